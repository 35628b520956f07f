# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tiny models shared by the tests: 32 x 32 images, 16 patches."""

import copy

import torch
from mmengine.model import BaseModule
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS
from torch import nn

MEAN = [123.675, 116.28, 103.53]
STD = [58.395, 57.12, 57.375]
ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)


def mae_cfg(backbone='MAEViT', **backbone_options):
    """The stock arguments of a tiny MAE."""
    return dict(
        backbone=dict(
            type=backbone,
            arch=dict(ARCH),
            img_size=32,
            patch_size=8,
            **backbone_options,
        ),
        neck=dict(
            type='MAEPretrainDecoder',
            num_patches=16,
            patch_size=8,
            in_chans=3,
            embed_dim=32,
            decoder_embed_dim=32,
            decoder_depth=1,
            decoder_num_heads=2,
            mlp_ratio=2.0,
        ),
        head=dict(
            type='MAEPretrainHead',
            norm_pix=True,
            patch_size=8,
            loss=dict(type='PixelReconstructionLoss', criterion='L2'),
        ),
        data_preprocessor=dict(
            type='SelfSupDataPreprocessor', mean=MEAN, std=STD
        ),
        init_cfg=[
            dict(type='Xavier', layer='Linear', distribution='uniform'),
            dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
        ],
    )


# Every supported (method, backbone); the acceptance tests run over them.
METHODS = {
    'MAE-stock-backbone': ('MAE', mae_cfg('MAEViT')),
    'MAE-DualNormViT': ('MAE', mae_cfg('DualNormViT')),
}
# Counterpart in mmpretrain of a toy's stock arguments.
STOCK_BACKBONE = {'DualNormViT': 'MAEViT'}


def build_stock(toy, seed=0):
    """The stock algorithm with random weights; norm layers not at 1 and 0."""
    method, cfg = METHODS[toy]
    cfg = copy.deepcopy(cfg)
    name = cfg['backbone']['type']
    cfg['backbone']['type'] = STOCK_BACKBONE.get(name, name)
    return _randomised(MODELS.build(dict(type=method, **cfg)), seed)


def build_aemim(toy, stock=None, cfg=None, **options):
    """AEMIM over a toy, with the weights of ``stock`` in both branches."""
    method, stock_cfg = METHODS[toy]
    cfg = copy.deepcopy(cfg or stock_cfg)
    options.setdefault('attack', dict(type='FeatureDistancePGD'))
    model = MODELS.build(
        dict(type='AEMIMAlgorithm', method=method, **cfg, **options)
    )
    stock = stock or build_stock(toy)
    model.load_state_dict(stock.state_dict())
    model.train()
    return model


def _randomised(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(0.2 * noise + (parameter.ndim == 1) * 0.5)
    return model.train()


def images(num=4, seed=0, size=32):
    """Normalised images of whole pixel values, (num, 3, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(
        0, 256, (num, 3, size, size), generator=generator
    ).float()
    return (pixels - column(MEAN)) / column(STD)


def column(values):
    """Per-channel values as (C, 1, 1)."""
    return torch.tensor(values).view(-1, 1, 1)


def to_pixels(x):
    """Normalised images back to 0-255."""
    return x * column(STD) + column(MEAN)


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
