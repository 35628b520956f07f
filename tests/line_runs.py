# Copyright (c) aemim_mm contributors. All rights reserved.
"""A tiny model of a line, its data and a runner."""

import itertools

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel, BaseModule
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, MODELS
from torch import nn
from torch.utils.data import Dataset

_RUNS = itertools.count()


@MODELS.register_module(force=True)
class LineBackbone(BaseModule):
    def __init__(self, width=4, final_norm=True, init_cfg=None):
        super().__init__(init_cfg=init_cfg)
        self.fc = nn.Linear(3, width)
        if final_norm:
            self.ln1 = nn.LayerNorm(width)
        else:
            self.ln2 = nn.LayerNorm(width)

    def forward(self, x):
        return getattr(self, 'ln1', nn.Identity())(self.fc(x))


@MODELS.register_module(force=True)
class LineModel(BaseModel):
    """Regression; the loss is NaN in the iterations of ``bad``."""

    def __init__(self, backbone=None, out=1, bad=()):
        super().__init__()
        self.backbone = MODELS.build(
            dict(type='LineBackbone', **(backbone or {}))
        )
        self.head = nn.Linear(self.backbone.fc.out_features, out)
        self.bad = bad
        self.calls = 0

    def forward(self, inputs, target, mode='loss'):
        error = self.head(self.backbone(inputs)) - target
        self.calls += 1
        scale = float('nan') if self.calls in self.bad else 1.0
        return dict(
            loss_fit=error.square().mean() * scale,
            loss_size=1e-3 * error.abs().mean(),
            size=error.abs().mean() * scale,
        )


@DATASETS.register_module(force=True)
class LineData(Dataset):
    metainfo = dict(classes=('a', 'b'))

    def __len__(self):
        return 8

    def __getitem__(self, index):
        x = torch.tensor([1.0, index, -index]) / 8
        return dict(inputs=x, target=x.sum())


def build_runner(work_dir, checkpoint=None, hooks=(), model=None, **cfg):
    """A tiny runner: 4 iterations per epoch, 2 epochs."""
    return Runner.from_cfg(
        Config(
            dict(
                default_scope='mmpretrain',
                work_dir=str(work_dir),
                experiment_name=f'line_{next(_RUNS)}',
                model=dict(type='LineModel', **(model or {})),
                train_dataloader=dict(
                    batch_size=2,
                    dataset=dict(type='LineData'),
                    sampler=dict(type='DefaultSampler', shuffle=False),
                    collate_fn=dict(type='default_collate'),
                ),
                train_cfg=dict(by_epoch=True, max_epochs=2),
                optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
                param_scheduler=dict(type='LinearLR', start_factor=0.5),
                default_hooks=dict(
                    checkpoint=checkpoint
                    or dict(type='CheckpointHook', interval=1)
                ),
                custom_hooks=list(hooks),
            )
            | cfg
        )
    )


@pytest.fixture
def make_runner(tmp_path):
    """Build a tiny runner, in the test's folder if no other is named."""

    def make(work_dir=tmp_path, **options):
        return build_runner(work_dir, **options)

    return make
