# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tiny checkpoints in which no two numbers are equal by chance."""

import copy
from pathlib import Path

import pytest
import torch
from _mim_vit_cfgs import cim_cfg
from mmengine.config import Config
from mmpretrain.registry import MODELS
from toys import ARCH, MEAN, STD, mae_cfg

from aemim_mm.export import Source, read_source

SWIN = dict(embed_dims=8, depths=[2, 2, 1, 2], num_heads=[1, 2, 4, 8])


def _vit(**options):
    return dict(
        type='VisionTransformer',
        arch=dict(ARCH),
        img_size=32,
        patch_size=8,
        **options,
    )


def _classifier(backbone, neck=None, head='LinearClsHead', channels=32):
    return dict(
        type='ImageClassifier',
        backbone=backbone,
        neck=neck,
        head=dict(type=head, num_classes=5, in_channels=channels),
    )


MODELS_OF = dict(
    aemim=dict(
        type='AEMIMAlgorithm',
        method='MAE',
        adv_ratio=0.5,
        attack=dict(type='FeatureDistancePGD', epsilon=4),
        **mae_cfg('DualNormViT'),
    ),
    mae=dict(type='MAE', **mae_cfg('MAEViT')),
    cim=dict(
        cim_cfg(),
        type='CIM',
        backbone=dict(
            mae_cfg('DualNormViT')['backbone'], mask_ratio=0.0, out_type='raw'
        ),
    ),
    simmim=dict(
        type='SimMIM',
        backbone=dict(
            type='SimMIMSwinTransformer',
            arch=SWIN,
            img_size=64,
            stage_cfgs=dict(block_cfgs=dict(window_size=2)),
        ),
        neck=dict(
            type='SimMIMLinearDecoder', in_channels=64, encoder_stride=32
        ),
        head=dict(
            type='SimMIMHead',
            patch_size=4,
            loss=dict(
                type='PixelReconstructionLoss', criterion='L1', channel=3
            ),
        ),
    ),
    token=_classifier(_vit(), head='VisionTransformerClsHead'),
    avg=_classifier(_vit(out_type='avg_featmap', final_norm=False)),
    both_norms=_classifier(_vit(out_type='avg_featmap')),
    gap=_classifier(
        _vit(out_type='featmap'), neck=dict(type='GlobalAveragePooling')
    ),
    probe=_classifier(
        _vit(),
        neck=dict(type='ClsBatchNormNeck', input_features=32, eps=1e-3),
        head='VisionTransformerClsHead',
    ),
    swin=_classifier(
        dict(type='SwinTransformer', arch=SWIN, img_size=64, window_size=2),
        neck=dict(type='GlobalAveragePooling'),
        channels=64,
    ),
)


for _kind in ('aemim', 'mae', 'cim'):
    MODELS_OF[_kind]['data_preprocessor'] = dict(
        MODELS_OF[_kind]['data_preprocessor'], to_rgb=True
    )


def randomised(model, seed=0):
    """Every tensor random: norms, tables, position embedding, statistics."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if not value.is_floating_point():
                continue
            noise = torch.randn(value.shape, generator=generator)
            if 'running_var' in name:
                noise = 0.5 + noise.abs()
            elif value.ndim == 1:
                noise = 0.3 * noise + name.endswith('weight')
            elif value.ndim in (2, 4) and 'table' not in name:
                noise = noise / value[0].numel() ** 0.5
            value.copy_(noise)
    return model


class Zoo:
    """Builds models and saves their checkpoints in a folder."""

    models = MODELS_OF
    swin = SWIN

    def __init__(self, folder):
        self.folder = folder

    def build(self, kind):
        """The model of a kind, random and in evaluation mode."""
        model = randomised(MODELS.build(copy.deepcopy(MODELS_OF[kind])))
        model.eval()
        return model

    def config(self, kind):
        """The text that mmengine stores."""
        cfg = dict(
            model=MODELS_OF[kind],
            data_preprocessor=dict(mean=MEAN, std=STD, to_rgb=True),
        )
        return Config(copy.deepcopy(cfg)).pretty_text

    def save(self, kind, config=True, model=None, **entries):
        """A checkpoint as mmengine saves it; the path."""
        model = model or self.build(kind)
        content = dict(
            meta=dict(epoch=7, iter=70),
            state_dict=model.state_dict(),
            optimizer=dict(state={}),
        )
        if config:
            content['meta']['cfg'] = self.config(kind)
        content.update(entries)
        path = self.folder / f'{kind}.pth'
        torch.save(content, path)
        return path

    def source(self, kind, **options):
        """What is read of such a checkpoint."""
        return read_source(self.save(kind, **options))


def bare_source(encoder, backbone=None, **parts):
    """Weights of an encoder, and what the config says of the model."""
    model = dict(parts, backbone=backbone)
    config = dict(model=model) if backbone else {}
    return Source(Path('a.pth'), encoder, {}, {}, {}, config, {})


@pytest.fixture
def source_of():
    return bare_source


@pytest.fixture
def zoo(tmp_path):
    return Zoo(tmp_path)


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(1)
    return lambda size: torch.randn(2, 3, size, size, generator=generator)
