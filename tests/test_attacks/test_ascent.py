# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.attacks.ascent import ascend, check_images, per_image

X = torch.rand(3, 1, 2, 2)
Y = torch.tensor([0, 1, 1])


def test_one_length_or_one_per_image():
    assert per_image('epsilon', 0.5, X).flatten().tolist() == [0.5] * 3
    lengths = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
    result = per_image('epsilon', lengths, X)
    assert result.shape == (3, 1, 1, 1) and result.dtype == torch.float32
    assert result.flatten().tolist() == [0, 0.25, 1]


@pytest.mark.parametrize('shape', [(1,), (2,), (3, 1), (3, 1, 1, 1)])
def test_other_shapes(shape):
    with pytest.raises(ValueError, match=r'epsilon must be one .*\(3,\)'):
        per_image('epsilon', torch.zeros(shape), X)


@pytest.mark.parametrize('value', [-0.1, 1.5, float('nan')])
def test_outside_the_scale(value):
    with pytest.raises(ValueError, match=r'epsilon must be in \[0, 1\]'):
        per_image('epsilon', torch.tensor([0.1, value, 0.1]), X)


@pytest.mark.parametrize(
    'x', [X * 255, X - 1, torch.full_like(X, float('nan'))]
)
def test_pixels_outside_the_box(x):
    with pytest.raises(ValueError, match=r'pixels must be in \[0, 1\]'):
        check_images(x, Y)


def test_shapes_that_do_not_fit():
    for x, y in ((X, Y[:2]), (X, Y[:, None]), (X[:, 0], Y)):
        with pytest.raises(ValueError, match='one class for each'):
            check_images(x, y)


def test_no_step_where_the_gradient_is_zero():
    x_adv = ascend(
        lambda x: torch.stack([x[:, 0, 0, 0], 0 * x[:, 0, 0, 0]], dim=1),
        X.clamp(0.2, 0.8),
        Y,
        0.1,
        0.1,
        num_steps=1,
    )
    change = x_adv - X.clamp(0.2, 0.8)
    torch.testing.assert_close(
        change[:, 0, 0, 0], torch.tensor([-0.1, 0.1, 0.1])
    )
    change[:, 0, 0, 0] = 0
    assert not change.any()


def test_the_gradient_of_an_image_is_not_shared_out():
    """A mean over a large batch would push small gradients to 0."""
    weight = torch.randn(4, 2)
    seen = []

    def model(x):
        logits = x.flatten(1) @ weight
        logits.register_hook(seen.append)
        return logits

    ascend(model, X, Y, 0.1, 0.1, num_steps=1)
    expected = (X.flatten(1) @ weight).softmax(dim=1)
    expected[torch.arange(3), Y] -= 1
    torch.testing.assert_close(seen, [expected])
