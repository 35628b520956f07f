# Copyright (c) aemim_mm contributors. All rights reserved.
"""``sequential_backward``: the gradients of the joint form, less memory."""

import weakref

import pytest
import torch
from mmengine.optim import OptimWrapper
from states import assert_equal_states
from toys import (
    METHODS,
    assert_near,
    attack,
    batch,
    build_aemim,
    grads,
    move_twins,
    seeded,
    total_loss,
)

TOY = 'MAE-DualNormViT'


def build(sequential, toy=TOY, **options):
    options = dict(loss_ratio=0.3, **options)
    return move_twins(
        build_aemim(toy, sequential_backward=sequential, **options)
    )


def run(model, toy=TOY, dtype=None, seed=3):
    with torch.autocast('cpu', dtype, enabled=dtype is not None):
        return seeded(model.loss, *batch(toy, seed=seed), seed=seed)


@pytest.fixture
def deterministic():
    """As mmengine sets it; of a GPU's kernels nothing is seen here."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures('deterministic')
@pytest.mark.parametrize('sequential', [False, True])
def test_the_same_seed_gives_the_same_bits(sequential):
    found = []
    for _ in range(2):
        model = build(sequential, adv_ratio=0.5)
        losses = run(model)
        total_loss(losses).backward()
        found.append({**losses, **grads(model)})
    assert_equal_states(*found)
    assert len(found[0]) > 50


@pytest.mark.usefixtures('deterministic')
@pytest.mark.parametrize(
    'toy, adv_ratio', [*((toy, 0.5) for toy in METHODS), (TOY, 1.0)]
)
def test_gradients_and_log_of_every_method(toy, adv_ratio):
    found = []
    for sequential in (False, True):
        model = build(sequential, toy, adv_ratio=adv_ratio)
        losses = run(model, toy)
        total_loss(losses).backward()
        found.append((losses, grads(model)))
    (joint, expected), (losses, actual) = found
    assert_near(actual, expected, rtol=1e-4)
    assert_equal_states(joint, losses)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_gradients_under_autocast(dtype):
    """As near to those of float32 as the joint form's."""
    exact, joint, sequential = build(False), build(False), build(True)
    total_loss(run(exact)).backward()
    expected = grads(exact)

    def error(model):
        scaler = torch.amp.GradScaler(
            'cpu', enabled=dtype == torch.float16, init_scale=2.0**12
        )
        scaler.scale(total_loss(run(model, dtype=dtype))).backward()
        factor = scaler.get_scale()
        return [
            (grad / factor - expected[name]).norm() / expected[name].norm()
            for name, grad in grads(model).items()
        ]

    pairs = list(zip(error(sequential), error(joint), strict=True))
    assert len(pairs) == len(expected)
    assert max(ours for ours, _ in pairs) < 0.05
    for ours, theirs in pairs:
        assert ours < 1.5 * theirs + 0.01


@pytest.mark.parametrize('scaled', [False, True])
def test_gradient_accumulation(scaled):
    """Loss scale and divisor reach the stored gradients: same parameters."""
    dtype = torch.float16 if scaled else None
    states = []
    for sequential in (False, True):
        model = build(sequential)
        wrapper = OptimWrapper(
            torch.optim.SGD(model.parameters(), lr=0.1),
            accumulative_counts=2,
        )
        scaler = torch.amp.GradScaler('cpu', enabled=scaled)
        for step in range(4):
            loss = total_loss(run(model, dtype=dtype, seed=step))
            scaler.scale(wrapper.scale_loss(loss)).backward()
            if step % 2:
                scaler.step(wrapper.optimizer)
                scaler.update()
                wrapper.optimizer.zero_grad()
        states.append(model.state_dict())
    start = build(False).state_dict()
    for name, value in states[0].items():
        moved = (value - start[name]).norm()
        limit = (0.02 if scaled else 1e-4) * moved + 1e-7
        assert (states[1][name] - value).norm() <= limit, name
    assert (states[0]['neck.mask_token'] != start['neck.mask_token']).any()


@pytest.mark.parametrize('dtype', [None, torch.float16])
def test_a_clean_weight_of_zero(dtype):
    """Even where the clean gradients overflow in fp16."""
    for sequential in (False, True):
        model = move_twins(
            build_aemim(
                TOY, sequential_backward=sequential, loss_ratio=0, adapters=()
            )
        )
        with torch.no_grad():
            model.neck.decoder_pred.weight.mul_(100)
        scale = 1.0 if dtype is None else 2.0**4
        for seed in range(2):
            model.zero_grad()
            losses = run(model, dtype=dtype, seed=seed)
            (scale * total_loss(losses)).backward()
            assert losses['loss_clean'] == 0
            assert all(g.isfinite().all() for g in grads(model).values())


def test_scaler_recovers_from_a_scale_that_is_too_large():
    model = build(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler('cpu', init_scale=2.0**40)
    for step in range(40):
        optimizer.zero_grad()
        losses = run(model, dtype=torch.float16, seed=step)
        scaler.scale(total_loss(losses)).backward()
        finite = all(g.isfinite().all() for g in grads(model).values())
        scaler.step(optimizer)
        scaler.update()
        assert all(p.isfinite().all() for p in model.parameters())
    assert finite and scaler.get_scale() < 2.0**40


@pytest.mark.parametrize('sequential', [False, True])
def test_the_clean_graph_is_gone_before_the_attack(sequential):
    model = build(sequential)
    run(model)  # the first step checks values, once
    alive, seen, stock_attack = weakref.WeakSet(), [], model.attack

    class Saved:
        def __init__(self, tensor):
            self.tensor = tensor
            alive.add(self)

    def watch(*args):
        seen.append(len(alive))
        return stock_attack(*args)

    watch.measure = stock_attack.measure
    model.attack = watch
    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda s: s.tensor):
        losses = run(model)
    assert losses['loss_clean'].requires_grad
    assert (seen == [0]) if sequential else (seen[0] > 50)


def test_attack_free_evaluation_without_gradients():
    """Losses alone, as a validation of them asks for."""
    model = build(True, attack=attack(distance='l2'))
    expected = run(build(False))
    with torch.no_grad():
        losses = run(model)
    assert not losses['loss_clean'].requires_grad
    torch.testing.assert_close(losses['loss_clean'], expected['loss_clean'])


def test_it_is_a_switch():
    with pytest.raises(TypeError, match='sequential_backward must be True'):
        build('yes')
    assert build_aemim(TOY).sequential_backward is False
