# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine.config import Config

from aemim_mm.demo.report import (
    FIGURES,
    demo_report,
)

SUMMARY = dict(
    pretrain=dict(
        recon_clean=[0.987654, 0.5],
        recon_adv=[0.9, 0.612345],
        images_per_second=1234.5,
    ),
    finetune=dict(top1=87.654, fgsm_top1={'2': 60.125, '8': 12.5}),
    figures=['figures/losses.png', 'figures/reconstruction.png'],
)
PRETRAIN = Config(
    dict(
        model=dict(
            method='MAE',
            attack=dict(epsilon=2, num_steps=3),
            adapters=('norm', 'cls_token'),
            adv_ratio=0.25,
            loss_ratio=0.5,
        ),
        train_cfg=dict(max_epochs=11),
        train_dataloader=dict(batch_size=256),
    )
)
FINETUNE = Config(
    dict(train_cfg=dict(max_epochs=7), train_dataloader=dict(batch_size=128))
)


def _page(tmp_path, note=''):
    (tmp_path / 'figures').mkdir(exist_ok=True)
    for path in SUMMARY['figures']:
        (tmp_path / path).write_bytes(path.encode())
    return demo_report(
        SUMMARY,
        {'pre.py': PRETRAIN, 'fine.py': FINETUNE},
        {'fine-tuning': '3:21 min'},
        tmp_path,
        note,
    )


def test_results_settings_and_times(tmp_path):
    page = _page(tmp_path)
    for name, value in (
        ('Top-1 after fine-tuning', '87.65 %'),
        ('Top-1 under FGSM, epsilon 2 of 255', '60.12 %'),
        ('Top-1 under FGSM, epsilon 8 of 255', '12.50 %'),
        (
            'Reconstruction loss, clean',
            '0.9877 in the first epoch, 0.5000 in the last',
        ),
        (
            'Reconstruction loss, adversarial',
            '0.9000 in the first epoch, 0.6123 in the last',
        ),
        ('Pre-training recipe', 'pre.py'),
        ('Fine-tuning recipe', 'fine.py'),
        ('Method', 'AEMIM over MAE'),
        ('Attack', 'epsilon 2 of 255 pixel values, 3 steps'),
        ('Adapters', 'norm, cls_token'),
        ('Adversarial share of the batch (adv_ratio)', '0.25'),
        ('Epochs', '11 of pre-training, 7 of fine-tuning'),
        ('Batch size', '256 and 128'),
        ('fine-tuning', '3:21 min'),
    ):
        assert f'<td>{name}</td><td>{value}</td>' in page


def test_figures_and_note(tmp_path):
    page = _page(tmp_path, note='Only a quick run.')
    assert page.count('<img') == 2
    assert all(caption in page for caption in FIGURES.values())
    assert '<p class="note">Only a quick run.</p>' in page
    assert 'class="note"' not in _page(tmp_path)
