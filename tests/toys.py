# Copyright (c) aemim_mm contributors. All rights reserved.
"""Building and measuring the tiny models of the tests."""

import copy
import random

import torch
from mim_toys import (
    ARCH,
    MEAN,
    METHODS,
    STD,
    batch,
    column,
    images,
    mae_cfg,
)
from mmengine.model import BaseModule
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.models.utils.sparse_modules import SparseHelper
from mmpretrain.registry import MODELS
from pixels import to_pixels
from states import randomised
from torch import nn

from aemim_mm.core.losses import total

__all__ = [
    'ARCH',
    'HAS_CLS_TOKEN',
    'MEAN',
    'METHODS',
    'STD',
    'SparseHelper',
    'ToyEncoder',
    'ToyMIM',
    'assert_near',
    'attack',
    'batch',
    'build_aemim',
    'build_stock',
    'build_toy_mim',
    'column',
    'grads',
    'images',
    'mae_cfg',
    'masks',
    'move_twins',
    'seeded',
    'stock_loss',
    'to_pixels',
    'total_loss',
]
HAS_CLS_TOKEN = [
    name
    for name in METHODS
    if not name.startswith(('MAE-HiViT', 'SimMIM', 'MixMIM', 'iTPN', 'SparK'))
]


def attack(**options):
    """The config of the attack."""
    return dict(type='FeatureDistancePGD', **options)


def build_stock(toy, seed=0):
    """The stock algorithm with random weights; norm layers not at 1 and 0."""
    cfg = copy.deepcopy(METHODS[toy].cfg)
    for part, name in (METHODS[toy].stock or {}).items():
        cfg[part]['type'] = name
    model = MODELS.build(dict(type=METHODS[toy].method, **cfg))
    return randomised(model, seed=seed).train()


def build_aemim(toy, stock=None, cfg=None, **options):
    """AEMIM over a toy, with the weights of ``stock`` in both branches."""
    options.setdefault('attack', attack())
    model = MODELS.build(
        dict(
            type='AEMIMAlgorithm',
            method=METHODS[toy].method,
            **copy.deepcopy(cfg or METHODS[toy].cfg),
            **options,
        )
    )
    stock = stock or build_stock(toy)
    model.load_state_dict(stock.state_dict())
    model.train()
    return model


def move_twins(model, seed=0):
    """Let the adversarial adapters differ from the clean ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for twin in model.adv.parameters():
            twin.add_(0.2 * torch.randn(twin.shape, generator=generator))
    return model


def stock_loss(losses):
    """The sum of a stock algorithm's losses."""
    return total(losses)


def seeded(call, *args, seed=3):
    """What a call returns; both generators that the methods draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    return call(*args)


def assert_near(actual, expected, rtol, floor=1e-6):
    """In the norm of each tensor; where one is nearly 0, of the largest."""
    assert actual.keys() == expected.keys()
    largest = max(grad.norm() for grad in expected.values())
    for name, grad in expected.items():
        limit = rtol * grad.norm() + floor * largest
        assert (actual[name] - grad).norm() <= limit, name


def total_loss(losses):
    """The scalar that mmengine optimises."""
    return sum(v for k, v in losses.items() if 'loss' in k)


def grads(model):
    """Gradients by name, of the parameters that have one."""
    return {
        n: p.grad.clone()
        for n, p in model.named_parameters()
        if p.grad is not None
    }


class ToyEncoder(BaseModule):
    """A convolution and batch norm; the mask is an argument."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 4, stride=4)
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x, mask):
        """(B, 3, 32, 32) and (B, 1, 32, 32) to one map (B, 4, 8, 8)."""
        return (self.bn(self.conv(x * mask)).relu(),)


class ToyMIM(BaseSelfSupervisor):
    """A method from outside mmpretrain, with the mask from the pipeline."""

    def mask(self, data_samples):
        """(B, 1, 8, 8), as the pipeline drew it."""
        return torch.stack([sample['mask'] for sample in data_samples])

    def loss(self, inputs, data_samples, **kwargs):
        """Reconstruct 8 x 8 means from a masked image."""
        mask = self.mask(data_samples)
        mask = nn.functional.interpolate(mask, scale_factor=4)
        features = self.backbone(inputs, mask)[0]
        target = nn.functional.avg_pool2d(inputs, 4)
        loss = (features[:, :3] - target).square().mean()
        return dict(loss=loss, seen=mask.mean())


class LossMaskMIM(ToyMIM):
    """Draws the mask in loss(): a second pass has another one."""

    def mask(self, data_samples):
        """(B, 1, 8, 8), drawn anew."""
        return torch.rand(len(data_samples), 1, 8, 8).round()


def masks(num=4):
    """Data samples with a mask each."""
    return [dict(mask=torch.rand(1, 8, 8).round()) for _ in range(num)]


class HiddenMaskEncoder(ToyEncoder):
    """Draws a mask of its own where nobody can pin it."""

    def forward(self, x, mask):
        """As :class:`ToyEncoder` under a further mask."""
        return super().forward(x, mask * torch.rand_like(mask).round())


for _cls in (ToyEncoder, ToyMIM, LossMaskMIM, HiddenMaskEncoder):
    MODELS.register_module(module=_cls, force=True)


def build_toy_mim(backbone='ToyEncoder', method='ToyMIM', **options):
    """AEMIM over :class:`ToyMIM` or its relatives."""
    return MODELS.build(
        dict(
            type='AEMIMAlgorithm',
            method=method,
            backbone=dict(type=backbone),
            data_preprocessor=dict(
                type='SelfSupDataPreprocessor', mean=MEAN, std=STD
            ),
            **options,
        )
    )
