# Copyright (c) aemim_mm contributors. All rights reserved.
"""SparK: the encoder sees x_a under the mask, which it reads globally."""

import pytest
import torch
from torch import nn
from toys import SparseHelper, attack, batch, build_aemim

toys = pytest.mark.parametrize('toy', ['SparK-ResNet', 'SparK-ConvNeXt'])


@toys
@pytest.mark.parametrize('distance', ['l2', 'reconstruction'])
def test_every_encoder_call_is_masked_and_knows_its_mask(toy, distance):
    model = build_aemim(toy, adv_ratio=0.5, attack=attack(distance=distance))
    calls = []

    def watch(module, args):
        active = SparseHelper._cur_active
        whole = nn.functional.interpolate(active.float(), args[0].shape[2:])
        assert len(active) == len(args[0])
        visible = (args[0] != 0).any(1, keepdim=True).float()
        assert (visible * (1 - whole)).sum() == 0 and visible.sum() > 0
        calls.append(active)

    model.backbone.register_forward_pre_hook(watch)
    step = model.step(*batch(toy, 6))
    clean, *others = calls
    # Two attack steps, which decode too or not, and the adversarial pass.
    assert len(clean) == 6
    assert len(others) == (3 if distance == 'l2' else 5)
    for active in others:
        assert torch.equal(active, clean[list(step.rows)])


@toys
def test_the_mask_is_drawn_anew_at_every_step(toy):
    model = build_aemim(toy)
    drawn = []
    model.backbone.register_forward_pre_hook(
        lambda *_: drawn.append(SparseHelper._cur_active)
    )
    for _ in range(4):
        model.loss(*batch(toy))
    masks = drawn[::4]
    assert len(drawn) == 16
    assert len({tuple(m.flatten().tolist()) for m in masks}) > 1


@toys
def test_drop_path_reference_is_masked_too(toy):
    """With stochastic depth the reference is computed anew."""
    model = build_aemim(toy, attack=attack(epsilon=0))
    for module in model.backbone.modules():
        if hasattr(module, 'drop_path'):
            module.drop_path = Drop()
    model.train()
    step = model.step(*batch(toy))
    assert step.distance_start < 1e-4 < step.distance_end


class Drop(nn.Module):
    """Stochastic depth as strong as it gets."""

    drop_prob = 0.9

    def forward(self, x):
        """Drop images at random in training."""
        if not self.training:
            return x
        return x * torch.randint(0, 2, (len(x), 1, 1, 1)).to(x)
