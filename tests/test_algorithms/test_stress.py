# Copyright (c) aemim_mm contributors. All rights reserved.
"""Images and batches in which a mean, a deviation or a share degenerates."""

import pytest
import torch
from toys import (
    METHODS,
    batch,
    build_aemim,
    grads,
    move_twins,
    seeded,
    total_loss,
)

toys = pytest.mark.parametrize('toy', list(METHODS))


def constant(x):
    """Every image one colour: zero variance under a norm of pixels."""
    return x[:, :, :1, :1].expand_as(x).clone()


def identical(x):
    """One image, again and again."""
    return x[:1].expand_as(x).clone()


def changed(inputs, change):
    if isinstance(inputs, list):
        return [change(view) for view in inputs]
    return change(inputs)


def step(model, inputs, samples, scale=1):
    losses = seeded(model.loss, inputs, samples, seed=0)
    (scale * total_loss(losses)).backward()
    return losses


def assert_finite(model, losses):
    bad = [name for name, v in losses.items() if not torch.isfinite(v).all()]
    assert not bad
    bad = [n for n, g in grads(model).items() if not torch.isfinite(g).all()]
    assert not bad


@toys
@pytest.mark.parametrize('change', [constant, identical])
def test_images_without_differences(toy, change):
    model = move_twins(build_aemim(toy))
    inputs, samples = batch(toy)
    assert_finite(model, step(model, changed(inputs, change), samples))


@toys
@pytest.mark.parametrize('size, adv_ratio', [(1, 1.0), (3, 0.25)])
def test_small_and_odd_batches(toy, size, adv_ratio):
    """A last batch of one; and MixMIM, which mixes pairs, with three."""
    model = move_twins(build_aemim(toy, adv_ratio=adv_ratio))
    inputs, samples = batch(toy)
    inputs = changed(inputs, lambda x: x[:size])
    losses = step(model, inputs, samples[:size] if samples else samples)
    assert_finite(model, losses)
    assert losses['distance_end'] > 0


@toys
def test_training_survives_a_spike(toy):
    """A loss 1e4 times as large; gradients are clipped, as recipes do.

    Adam's first step is of one size whatever the gradient's, so the spike must
    lead where an ordinary step does.
    """
    inputs, samples = batch(toy)
    after = []
    for spike in (1, 1e4):
        model = move_twins(build_aemim(toy))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        assert_finite(model, step(model, inputs, samples, spike))
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses = step(model, inputs, samples)
        assert_finite(model, losses)
        after.append(total_loss(losses))
    torch.testing.assert_close(*after, rtol=1e-4, atol=0)


def test_an_overflow_that_the_scaler_skips():
    """Infinite gradients change nothing, and training goes on."""
    model = build_aemim('MAE-DualNormViT')
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler('cpu', init_scale=2.0**127)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    moved = []
    for number in range(60):
        optimizer.zero_grad()
        torch.manual_seed(number)
        losses = model.loss(*batch('MAE-DualNormViT'))
        scaler.scale(1e3 * total_loss(losses)).backward()
        scaler.step(optimizer)
        scaler.update()
        assert all(torch.isfinite(value).all() for value in losses.values())
        after = model.state_dict()
        moved.append(any(not torch.equal(after[k], before[k]) for k in before))
    assert not moved[0] and moved[-1]
    assert all(torch.isfinite(v).all() for v in model.state_dict().values())
