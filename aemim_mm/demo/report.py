# Copyright (c) aemim_mm contributors. All rights reserved.
"""The page that the demo ends with."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from ..visualization.html_report import build_report

# Caption by the name of the figure.
FIGURES = {
    'losses': 'Pre-training: reconstruction losses of clean images and of '
    'their adversarial examples, and the distance between the features of the '
    'two; means over each epoch.',
    'reconstruction': 'The pre-trained model on test images. Hidden patches '
    'are predicted from the visible patches, once of the image and once of '
    'its adversarial example; visible patches are pasted. The model predicts '
    'normalised patches, so mean and contrast of a hidden patch are those of '
    'the original. The attack sees visible patches only: elsewhere the '
    'perturbation is its random start.',
}


def demo_report(
    summary: Mapping,
    recipes: Mapping[str, Config],
    wall_time: Mapping[str, str],
    folder: Path,
    note: str = '',
) -> str:
    """Build the demo's report.

    Args:
        summary (Mapping): What the demo writes to ``summary.json``; its
            ``figures`` are relative to ``folder`` and named as in
            :data:`FIGURES`.
        recipes (Mapping[str, Config]): Name and config of the pre-training
            recipe, then of the fine-tuning recipe.
        wall_time (Mapping[str, str]): Phase to its time.
        folder (Path): Where the figures are.
        note (str): A highlighted remark. Defaults to ``''``.

    Returns:
        str: HTML that needs no other file.
    """
    return build_report(
        'AEMIM on Fashion-MNIST',
        {
            'Results': _results(summary),
            'Settings': _settings(recipes),
            'Wall time': wall_time,
        },
        [
            (folder / path, FIGURES[Path(path).stem])
            for path in summary['figures']
        ],
        lead='Pre-training by masked image modeling with adversarial '
        'examples, then fine-tuning of the encoder, as run by tools/demo.py. '
        'One run of one method shows that it works, not what it is good for: '
        'docs/study.md compares it with others, over several seeds.',
        note=note,
    )


def _results(summary: Mapping) -> dict[str, object]:
    pretrain, finetune = summary['pretrain'], summary['finetune']
    rows: dict[str, object] = {
        'Top-1 after fine-tuning': f'{finetune["top1"]:.2f} %'
    }
    for budget, top1 in finetune['fgsm_top1'].items():
        rows[f'Top-1 under FGSM, epsilon {budget} of 255'] = f'{top1:.2f} %'
    for key, name in (('recon_clean', 'clean'), ('recon_adv', 'adversarial')):
        first, last = pretrain[key][0], pretrain[key][-1]
        rows[f'Reconstruction loss, {name}'] = (
            f'{first:.4f} in the first epoch, {last:.4f} in the last'
        )
    rows['Pre-training throughput'] = (
        f'{pretrain["images_per_second"]:.0f} images per second'
    )
    return rows


def _settings(recipes: Mapping[str, Config]) -> dict[str, object]:
    (pre_name, pre), (fine_name, fine) = recipes.items()
    model, attack = pre.model, pre.model.attack
    return {
        'Pre-training recipe': pre_name,
        'Fine-tuning recipe': fine_name,
        'Method': f'AEMIM over {model.method}',
        'Attack': f'epsilon {attack.epsilon} of 255 pixel values, '
        f'{attack.num_steps} steps',
        'Adapters': ', '.join(model.adapters) or 'none',
        'Adversarial share of the batch (adv_ratio)': model.adv_ratio,
        'Weight of the clean loss (loss_ratio)': model.loss_ratio,
        'Epochs': f'{pre.train_cfg.max_epochs} of pre-training, '
        f'{fine.train_cfg.max_epochs} of fine-tuning',
        'Batch size': f'{pre.train_dataloader.batch_size} and '
        f'{fine.train_dataloader.batch_size}',
    }
