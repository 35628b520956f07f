# Copyright (c) aemim_mm contributors. All rights reserved.
"""One mask for the clean pass, the attack and the adversarial pass."""

import pytest
import torch
from mmpretrain.models.selfsup import MAEViT
from mmpretrain.registry import MODELS
from toys import (
    METHODS,
    build_aemim,
    build_toy_mim,
    images,
    mae_cfg,
    masks,
    total_loss,
)

from aemim_mm.algorithms.batches import Rows

toys = pytest.mark.parametrize('toy', list(METHODS))


def _attack(**options):
    return dict(type='FeatureDistancePGD', **options)


@toys
def test_row_subset_is_the_subset_of_the_batch(toy):
    """E(x[rows]; m[rows]) == E(x; m)[rows]."""
    model = build_aemim(toy)
    x, rows = images(6), Rows([0, 3, 4], 6)
    with model.port.recording():
        model._stock_loss(x, None)
    latent, mask, ids_restore = model.port.output
    subset = model.port.encode(x[[0, 3, 4]], rows)
    torch.testing.assert_close(
        subset[0], latent[[0, 3, 4]], atol=1e-5, rtol=1e-5
    )
    assert torch.equal(subset[1], mask[[0, 3, 4]])
    assert torch.equal(subset[2], ids_restore[[0, 3, 4]])


def test_method_from_outside_with_a_mask_argument():
    model = build_toy_mim(adv_ratio=0.5, attack=_attack(num_steps=1))
    model.train()
    losses = model.loss(images(4), masks(4))
    assert set(losses) == {
        'loss_clean', 'loss_adv', 'seen_clean', 'seen_adv', 'recon_clean',
        'recon_adv', 'distance_start', 'distance_end',
    }  # fmt: skip
    total_loss(losses).backward()
    assert model.adv.backbone.bn.weight.grad.abs().max() > 0


def test_method_from_outside_at_epsilon_zero():
    model = build_toy_mim(attack=_attack(epsilon=0))
    losses = model.loss(images(4), masks(4))
    torch.testing.assert_close(losses['recon_adv'], losses['recon_clean'])
    assert losses['distance_end'] < 1e-6
    assert torch.equal(losses['seen_adv'], losses['seen_clean'])


def test_hidden_mask_is_found_at_the_first_step():
    model = build_toy_mim('HiddenMaskEncoder')
    with pytest.raises(RuntimeError, match='does not repeat its features'):
        model.loss(images(4), masks(4))


@pytest.mark.parametrize('adv_ratio', [1.0, 0.5])
def test_mask_drawn_in_the_loss_is_found_at_the_first_step(adv_ratio):
    model = build_toy_mim(method='LossMaskMIM', adv_ratio=adv_ratio)
    with pytest.raises(RuntimeError, match='draws a mask of its own'):
        model.loss(images(4), masks(4))


def test_subclass_with_a_draw_of_its_own_is_found():
    """As mmpretrain's MILANViT is a MAEViT that draws by attention."""

    class OwnDraw(MAEViT):
        def other_masking(self, x, ratio):
            return MAEViT.random_masking(self, x, ratio)

        def forward(self, x, mask=True):
            random_masking = self.random_masking
            self.random_masking = self.other_masking
            try:
                return super().forward(x, mask)
            finally:
                self.random_masking = random_masking

    MODELS.register_module(module=OwnDraw, force=True)
    model = build_aemim('MAE-stock-backbone', cfg=mae_cfg('OwnDraw'))
    with pytest.raises(RuntimeError, match='OwnDraw did not draw its mask'):
        model.loss(images(4), None)


def test_second_step_starts_afresh():
    model = build_aemim('MAE-DualNormViT')
    model.loss(images(4), None)
    assert model.port.output is None and model.port.pin.drawn is None
    masks = [model.step(images(4), None).encoder_output[1] for _ in range(2)]
    assert not torch.equal(*masks)


def test_a_forward_patched_onto_the_encoder_stays():
    model = build_aemim(
        'MAE-DualNormViT', attack=_attack(distance='reconstruction')
    )
    calls, forward = [], model.backbone.forward

    def patched(*args, **kwargs):
        calls.append(1)
        return forward(*args, **kwargs)

    model.backbone.forward = patched
    model.loss(images(2), None)
    assert model.backbone.forward is patched
    assert len(calls) == 4  # clean, two attack steps, adversarial
