# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
import torch.nn.functional as F

from aemim_mm.attacks.fgsm import fgsm

MEAN = torch.tensor([120.0, 60.0]).view(2, 1, 1)
STD = torch.tensor([50.0, 10.0]).view(2, 1, 1)


def normalised(pixels):
    return (pixels - MEAN) / STD


def to_pixels(x):
    return x * STD + MEAN


def linear_task(pixels=(10, 245), count=5):
    """Images in ``pixels``, a linear classifier, targets."""
    x = normalised(torch.empty(count, 2, 3, 3).uniform_(*pixels))
    weight = torch.randn(4, 18)
    target = torch.randint(4, (count,))
    return x, weight, target, lambda images: images.flatten(1) @ weight.T


@pytest.mark.parametrize('epsilon', [0.5, 2, 8])
def test_closed_form_of_a_linear_classifier(epsilon):
    x, weight, target, forward = linear_task()
    x_adv = fgsm(forward, x, target, epsilon, MEAN, STD)
    # d CE / d x = W^T (softmax(W x) - onehot), by hand.
    error = forward(x).softmax(1) - F.one_hot(target, 4)
    step = (error @ weight).view_as(x).sign()
    torch.testing.assert_close(
        to_pixels(x_adv) - to_pixels(x), epsilon * step, atol=1e-3, rtol=0
    )
    loss, loss_adv = (F.cross_entropy(forward(v), target) for v in (x, x_adv))
    assert loss_adv > loss


def test_stays_in_the_pixel_box():
    x, _, target, forward = linear_task(pixels=(0, 4))
    pixels = to_pixels(fgsm(forward, x, target, 8, MEAN, STD))
    assert -1e-4 <= pixels.min() < 1e-4
    x, _, target, forward = linear_task(pixels=(251, 255))
    pixels = to_pixels(fgsm(forward, x, target, 8, MEAN, STD))
    assert 255 - 1e-3 < pixels.max() <= 255 + 1e-3


def test_zero_budget_returns_the_images():
    x, _, target, forward = linear_task()
    assert torch.equal(fgsm(forward, x, target, 0, MEAN, STD), x)


def test_an_image_does_not_depend_on_its_batch():
    x, _, target, forward = linear_task()
    together = fgsm(forward, x, target, 2, MEAN, STD)
    alone = fgsm(forward, x[:1], target[:1], 2, MEAN, STD)
    assert torch.equal(together[:1], alone)


def test_runs_in_fp32_under_autocast_and_no_grad():
    x, weight, target, forward = linear_task()
    expected = fgsm(forward, x, target, 2, MEAN, STD)
    dtypes = []

    def recording(images):
        logits = F.linear(images.flatten(1), weight)
        dtypes.append(logits.dtype)
        return logits

    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        x_adv = fgsm(recording, x, target, 2, MEAN, STD)
    assert dtypes == [torch.float32]
    assert torch.equal(x_adv, expected)


def test_leaves_no_gradient_and_no_graph():
    x, weight, target, forward = linear_task()
    weight.requires_grad_(True)
    x.requires_grad_(True)
    x_adv = fgsm(forward, x, target, 2, MEAN, STD)
    assert weight.grad is None and x.grad is None
    assert not x_adv.requires_grad


@pytest.mark.parametrize('epsilon', [-1, 256, float('nan')])
def test_refuses_a_budget_outside_the_pixel_range(epsilon):
    x, _, target, forward = linear_task()
    with pytest.raises(ValueError, match=f'but got {epsilon}'):
        fgsm(forward, x, target, epsilon, MEAN, STD)
