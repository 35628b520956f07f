# Copyright (c) aemim_mm contributors. All rights reserved.
"""A training step of every method."""

import traceback

import pytest
import torch
from gpu_toys import (
    batch_on_gpu,
    build,
    gradients,
    losses_of,
)
from states import assert_equal_states
from toys import METHODS, assert_near, build_stock, total_loss

pytestmark = pytest.mark.gpu
TOY = 'MAE-DualNormViT'


@pytest.fixture(autouse=True)
def exact_convolutions():
    """Without TF32, which rounds the same sums in different ways."""
    with torch.backends.cudnn.flags(
        enabled=True, deterministic=True, allow_tf32=False
    ):
        yield


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize('toy', list(METHODS))
@pytest.mark.parametrize('adv_ratio', [1.0, 0.5])
def test_sequential_backward_gives_the_gradients_of_the_joint_form(
    toy, adv_ratio
):
    found = []
    for sequential in (False, True):
        model = build(toy, sequential, adv_ratio=adv_ratio)
        losses = losses_of(model, toy)
        found.append((losses, gradients(model, losses)))
    (joint, expected), (losses, actual) = found
    assert_near(actual, expected, rtol=1e-3, floor=1e-5)
    for name, value in joint.items():
        torch.testing.assert_close(losses[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('toy', list(METHODS))
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision(toy, dtype):
    """Near float32; with its scale known, every gradient is finite."""
    try:
        losses_of(build_stock(toy).cuda(), toy, dtype)
    except RuntimeError as error:
        pytest.skip(f'the stock method: {error}')
    expected = losses_of(build(toy, False), toy)
    for sequential in (False, True):
        model = build(toy, sequential)
        losses = losses_of(model, toy, dtype)
        for name in ('recon_clean', 'recon_adv'):
            torch.testing.assert_close(
                losses[name].float(), expected[name], rtol=0.05, atol=0.02
            )
        gradients(model, losses)
        found = gradients(model, losses_of(model, toy, dtype))
        assert all(grad.isfinite().all() for grad in found.values())


@pytest.mark.parametrize('toy', list(METHODS))
@pytest.mark.parametrize('sequential', [False, True])
def test_nothing_waits_for_the_device(toy, sequential):
    """But for what the stock method waits for itself."""
    stock, model = build_stock(toy).cuda(), build(toy, sequential)
    data = batch_on_gpu(toy)
    # The first step checks values, once.
    for step in (stock, model):
        total_loss(step(*data, mode='loss')).backward()
    torch.cuda.synchronize()
    if waits(stock, data):
        pytest.skip('the stock method waits')
    assert not waits(model, data), 'where: see the captured output'


def waits(model, data):
    """Whether a step waits for the device."""
    torch.cuda.set_sync_debug_mode('error')
    try:
        total_loss(model(*data, mode='loss')).backward()
    except RuntimeError as error:
        if 'synchronizing' not in str(error):
            raise
        traceback.print_exc()
        return True
    finally:
        torch.cuda.set_sync_debug_mode('default')
    return False


@pytest.mark.parametrize('toy', list(METHODS))
def test_the_same_seed_gives_the_same_bits(toy, deterministic):
    try:
        stock = build_stock(toy).cuda()
        total_loss(stock(*batch_on_gpu(toy), mode='loss')).backward()
    except RuntimeError as error:
        if 'deterministic' not in str(error):
            raise
        pytest.skip(f'the stock method: {error}')
    found = []
    for _ in range(2):
        model = build(toy, True, adv_ratio=0.5)
        found.append(gradients(model, losses_of(model, toy)))
    assert_equal_states(found[0], found[1])


def test_a_step_holds_one_graph_and_not_two():
    peaks = []
    for sequential in (False, True):
        model = build(TOY, sequential)
        inputs = torch.randn(512, 3, 32, 32, device='cuda')
        total_loss(model(inputs, mode='loss')).backward()
        torch.cuda.synchronize()
        start = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        total_loss(model(inputs, mode='loss')).backward()
        peaks.append(torch.cuda.max_memory_allocated() - start)
    assert peaks[1] < 0.7 * peaks[0]
