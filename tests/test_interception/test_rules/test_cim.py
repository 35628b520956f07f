# Copyright (c) aemim_mm contributors. All rights reserved.
"""CIM: x_a is an adversarial example of the corrupted image."""

import copy

import pytest
import torch
from mim_toys import METHODS
from mmpretrain.registry import MODELS
from toys import attack, batch, build_aemim, grads, move_twins, total_loss


def counted(model):
    counts = {}
    tokenizer = model.target_generator
    for name, module in (
        ('encoder', tokenizer.encoder),
        ('decoder', tokenizer.decoder),
        ('generator', model.generator),
    ):
        module.register_forward_hook(
            lambda *_, name=name: counts.update(
                {name: counts.get(name, 0) + 1}
            )
        )
    return counts


@pytest.mark.parametrize('distance', ['l2', 'reconstruction'])
def test_generator_and_tokenizer_run_once(distance):
    model = build_aemim('CIM', attack=attack(num_steps=2, distance=distance))
    model.loss(*batch('CIM'))  # the first step has checks besides
    counts = counted(model)
    model.loss(*batch('CIM'))
    assert counts == dict(encoder=1, generator=1, decoder=1)


def test_the_generator_has_no_twins_and_learns_from_the_clean_pass():
    model = move_twins(build_aemim('CIM', adv_ratio=0.5, loss_ratio=0.25))
    assert not any('generator' in name for name in model.adv.state_dict())
    torch.manual_seed(3)
    losses = model.loss(*batch('CIM'))
    total_loss(losses).backward()
    found = grads(model)
    model.zero_grad(set_to_none=True)
    torch.manual_seed(3)
    losses, _ = model.passes.clean_pass(*batch('CIM'), {})
    losses['loss_generator'].backward()
    for name, gradient in grads(model).items():
        torch.testing.assert_close(found[name], 0.25 * gradient)


def test_the_target_is_the_original_image():
    """The adversarial pass restores x, not the corrupted image."""
    model = build_aemim('CIM')
    inputs, samples = batch('CIM')
    seen = []
    construct_target = model.head.construct_target
    model.head.construct_target = lambda image: (
        seen.append(image) or construct_target(image)
    )
    model.loss(inputs, samples)
    assert len(seen) == 2
    assert all(torch.equal(image, inputs[0]) for image in seen)


def test_over_dual_norm_vit():
    """The enhancer of the recipes: it could mask, and does not here."""
    cfg = copy.deepcopy(METHODS['CIM'].cfg)
    cfg['backbone'].update(type='DualNormViT', mask_ratio=0.0)
    model = MODELS.build(
        dict(type='AEMIMAlgorithm', method='CIM', attack=attack(), **cfg)
    )
    losses = move_twins(model).train().loss(*batch('CIM'))
    total_loss(losses).backward()
    assert losses['distance_end'] > losses['distance_start'] > 0
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == grads(model).keys()
    assert 'adv.backbone.ln1.weight' in trained
