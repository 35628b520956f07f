# Copyright (c) aemim_mm contributors. All rights reserved.
"""A fine-tuning recipe of ImageNet, made small, through tools/train.py."""

import numpy as np
import pytest
import tiny_run
import torch
from mmpretrain.registry import MODELS
from PIL import Image
from test_configs.config_tools import load

RECIPE = 'vit-small-p16_8xb256-amp-coslr-200e_in1k.py'
# Sizes and paths alone; all else is the recipe's.
SMALL = """
_base_ = {recipe!r}
two = dict(metainfo=dict(classes=('a', 'b')), data_root={data!r})
model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            embed_dims=16,
            num_layers=2,
            num_heads=2,
            feedforward_channels=16,
        ),
        init_cfg=dict(checkpoint={checkpoint!r}),
    ),
    head=dict(num_classes=2, in_channels=16),
)
data_preprocessor = dict(num_classes=2)
train_dataloader = dict(batch_size=2, num_workers=1, dataset=two)
val_dataloader = dict(batch_size=2, num_workers=0, dataset=two)
test_dataloader = val_dataloader
val_evaluator = dict(topk=(1, ))
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=1)
param_scheduler = [dict(type='ConstantLR', factor=1.0)]
default_hooks = dict(logger=dict(interval=1))
"""


@pytest.fixture
def imagenet(tmp_path):
    """Two classes of two images in each split, in ImageNet's layout."""
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for index in range(4):
            folder = tmp_path / split / f'n{index % 2:08}'
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (250, 300, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f'{index}.JPEG')
    return str(tmp_path)


@pytest.fixture
def pretrained(tmp_path):
    """Weights of the encoder that the small recipe has, and their file."""
    cfg = load('pretrain/aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py')
    cfg.model.backbone.arch = dict(
        embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16
    )
    backbone = MODELS.build(cfg.model.backbone)
    backbone.init_weights()
    state = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'pretrained.pth')
    return state, str(tmp_path / 'pretrained.pth')


def test_one_epoch(imagenet, pretrained, tmp_path, monkeypatch, capsys):
    before, checkpoint = pretrained
    config = tmp_path / 'small.py'
    recipe = str(tiny_run.ROOT / 'configs/finetune' / RECIPE)
    config.write_text(
        SMALL.format(recipe=recipe, data=imagenet, checkpoint=checkpoint)
    )
    work_dir = tmp_path / 'work'
    arguments = [config, '--work-dir', work_dir]
    tiny_run.call_tool(monkeypatch, 'train', *arguments, cwd=tmp_path)
    output = capsys.readouterr().out
    assert f'28 of 30 keys loaded from {checkpoint}' in output
    logged = tiny_run.scalars(work_dir)
    assert list(logged) == [1, 2]
    # Two classes, a head near zero, smoothed and mixed labels.
    assert logged[1]['loss'] == pytest.approx(np.log(2), abs=0.02)
    after = torch.load(work_dir / 'epoch_1.pth', weights_only=False)
    assert 'accuracy/top1' in output
    state = after['state_dict']
    assert state['head.fc.weight'].shape == (2, 16)
    moved = {}
    for key in before.keys() & state.keys():
        moved[key] = (state[key] - before[key]).abs().max().item()
    # AdamW moves by about the learning rate in each of two steps: layer decay
    # 0.8, 2 layers, 8e-3 at the top.
    assert moved['backbone.cls_token'] == pytest.approx(
        2 * 8e-3 * 0.8**3, rel=0.3
    )
    assert moved['backbone.layers.1.attn.qkv.weight'] == pytest.approx(
        2 * 8e-3 * 0.8, rel=0.3
    )
    assert len(moved) == 28 and min(moved.values()) > 0
