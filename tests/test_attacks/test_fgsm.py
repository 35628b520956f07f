# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
import torch.nn.functional as F
from attack_toys import (
    IMAGENET,
    foolbox,
    foolbox_model,
    small_classifier,
    small_images,
    small_net,
)

from aemim_mm.attacks import fgsm


def linear_task(low=0.1, high=0.9, count=5):
    """Images in [low, high], a linear classifier, targets."""
    x = torch.empty(count, 2, 3, 3).uniform_(low, high)
    weight = torch.randn(4, 18)
    target = torch.randint(4, (count,))
    return x, weight, target, lambda images: images.flatten(1) @ weight.T


@pytest.mark.parametrize('epsilon', [0.002, 2 / 255, 8 / 255])
def test_closed_form_of_a_linear_classifier(epsilon):
    x, weight, target, model = linear_task()
    x_adv = fgsm(model, x, target, epsilon)
    # d CE / d x = W^T (softmax(W x) - onehot), by hand.
    error = model(x).softmax(1) - F.one_hot(target, 4)
    step = (error @ weight).view_as(x).sign()
    # Not rounded to whole pixel values: 0.002 is half a one.
    torch.testing.assert_close(x_adv - x, epsilon * step, atol=1e-6, rtol=0)
    loss, loss_adv = (F.cross_entropy(model(v), target) for v in (x, x_adv))
    assert loss_adv > loss


@pytest.mark.parametrize('pixels', [1, 2, 4, 8])
def test_equals_foolbox(pixels):
    attack = foolbox().attacks.LinfFastGradientAttack(random_start=False)
    model = small_classifier()
    # Some pixels are so near to black and white that the box cuts.
    x, y = small_images()
    _, expected, _ = attack(
        foolbox_model(model), x, y, epsilons=[pixels / 255]
    )
    x_adv = fgsm(model, x, y, pixels / 255)
    # To the last bit: foolbox adds the clipped difference to x once more.
    torch.testing.assert_close(x_adv, expected[0], atol=6e-8, rtol=0)
    assert (x_adv - x).abs().max() > 0.99 * pixels / 255
    assert (x_adv == 0).any() and (x_adv == 1).any()
    # And with foolbox's own normalisation of the bare network.
    _, expected, _ = attack(
        foolbox_model(
            small_net().eval(), preprocessing=dict(**IMAGENET, axis=-3)
        ),
        x,
        y,
        epsilons=[pixels / 255],
    )
    torch.testing.assert_close(x_adv, expected[0], atol=6e-8, rtol=0)


def test_stays_in_the_pixel_box():
    x, _, target, model = linear_task(0, 0.01)
    assert fgsm(model, x, target, 8 / 255).min() == 0
    x, _, target, model = linear_task(0.99, 1)
    assert fgsm(model, x, target, 8 / 255).max() == 1


def test_zero_budget_returns_the_images():
    x, _, target, model = linear_task()
    assert torch.equal(fgsm(model, x, target, 0), x)


def test_a_budget_per_image():
    x, _, target, model = linear_task()
    epsilon = torch.tensor([0, 0.01, 0.02, 0.03, 0.04])
    x_adv = fgsm(model, x, target, epsilon)
    change = (x_adv - x).abs().flatten(1).amax(dim=1)
    torch.testing.assert_close(change, epsilon, atol=1e-6, rtol=0)
    for row, budget in enumerate(epsilon.tolist()):
        alone = fgsm(model, x[row : row + 1], target[row : row + 1], budget)
        assert torch.equal(x_adv[row : row + 1], alone)


def test_runs_in_fp32_under_autocast_and_no_grad():
    x, weight, target, model = linear_task()
    expected = fgsm(model, x, target, 2 / 255)
    dtypes = []

    def recording(images):
        logits = F.linear(images.flatten(1), weight)
        dtypes.append(logits.dtype)
        return logits

    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        x_adv = fgsm(recording, x, target, 2 / 255)
    assert dtypes == [torch.float32]
    assert torch.equal(x_adv, expected)


def test_images_made_in_inference_mode():
    model = small_classifier()
    x, y = small_images()
    expected = fgsm(model, x, y, 2 / 255)
    with torch.inference_mode():
        assert torch.equal(fgsm(model, x + 0, y + 0, 2 / 255), expected)


def test_leaves_no_gradient_and_no_graph():
    x, weight, target, model = linear_task()
    weight.requires_grad_(True)
    x.requires_grad_(True)
    x_adv = fgsm(model, x, target, 2 / 255)
    assert weight.grad is None and x.grad is None
    assert not x_adv.requires_grad


@pytest.mark.parametrize('epsilon', [-1, 2, float('nan')])
def test_refuses_a_budget_outside_the_pixel_range(epsilon):
    x, _, target, model = linear_task()
    with pytest.raises(ValueError, match=f'but got {epsilon}.*epsilon=2/255'):
        fgsm(model, x, target, epsilon)
