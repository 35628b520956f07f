# Copyright (c) aemim_mm contributors. All rights reserved.
"""A MIM method that nobody has heard of, without a line of code for it."""

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import nn
from toys import MEAN, STD, attack, images


@MODELS.register_module(force=True)
class PatchEncoder(BaseModule):
    """Patch embedding, mask token, two residual layers, a norm."""

    def __init__(self, embed_dims=32, patch_size=8):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, embed_dims, patch_size, patch_size)
        self.mask_token = nn.Parameter(torch.zeros(embed_dims))
        self.norms = nn.ModuleList(nn.LayerNorm(embed_dims) for _ in range(3))
        self.layers = nn.ModuleList(
            nn.Linear(embed_dims, embed_dims) for _ in range(2)
        )
        self.mix = nn.Linear(16, 16)

    def forward(self, x, mask):
        """(B, 3, 32, 32) and (B, 16) to tokens (B, 16, C)."""
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.where(mask.unsqueeze(-1), self.mask_token, x)
        for norm, layer in zip(self.norms, self.layers, strict=False):
            x = x + self.mix(norm(x).transpose(1, 2)).transpose(1, 2)
            x = x + layer(x).relu()
        return self.norms[-1](x)


@MODELS.register_module(force=True)
class ColourMIM(BaseSelfSupervisor):
    """Predicts the mean colour of every masked patch."""

    def __init__(self, patch_size=8, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size
        self.predict = nn.Linear(32, 3)

    def loss(self, inputs, data_samples, **kwargs):
        """L2 over the masked patches."""
        mask = torch.stack([sample.mask for sample in data_samples])
        predicted = self.predict(self.backbone(inputs, mask))
        target = nn.functional.avg_pool2d(inputs, self.patch_size)
        target = target.flatten(2).transpose(1, 2)
        return dict(loss=(predicted - target)[mask].square().mean())


@pytest.mark.parametrize(
    'distance, adv_ratio', [('l2', 0.5), ('kl', 1.0), ('reconstruction', 0.5)]
)
def test_it_trains(distance, adv_ratio):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='AEMIMAlgorithm',
            method='ColourMIM',
            backbone=dict(type='PatchEncoder'),
            patch_size=8,
            data_preprocessor=dict(
                type='SelfSupDataPreprocessor', mean=MEAN, std=STD
            ),
            attack=attack(distance=distance),
            adv_ratio=adv_ratio,
        )
    )
    model.init_weights()
    model.train()
    wrapper = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=0.01))
    x = images(8)
    # Each image has one colour, which its visible patches tell.
    x = 0.1 * x + x.mean((2, 3), keepdim=True) * 30
    samples = []
    for _ in range(8):
        sample = DataSample()
        sample.set_mask(torch.randperm(16) < 10)
        samples.append(sample)
    logs = []
    for _ in range(60):
        parsed, log = model.parse_losses(model.loss(x, samples))
        wrapper.update_params(parsed)
        logs.append({k: float(v) for k, v in log.items()})
    for name in ('recon_clean', 'recon_adv'):
        assert logs[-1][name] < 0.3 * logs[0][name], name
    if distance != 'reconstruction':
        assert logs[-1]['distance_end'] > logs[-1]['distance_start'] > 0
    twins = model.adv.backbone.norms
    for twin, norm in zip(twins.children(), model.backbone.norms, strict=True):
        assert not torch.equal(twin.weight, norm.weight)
