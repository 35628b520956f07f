# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from pixels import MEAN, STD, column, images, to_pixels

from aemim_mm.core.linf import (
    pixel_box,
    project,
    sign_ascent,
    uniform_start,
)

MEAN_C, STD_C = column(MEAN), column(STD)


def test_pixel_box_is_black_and_white():
    low, high = pixel_box(MEAN_C, STD_C)
    torch.testing.assert_close(to_pixels(low), torch.zeros(3, 1, 1))
    torch.testing.assert_close(to_pixels(high), torch.full((3, 1, 1), 255.0))


def test_project_into_ball_then_box():
    x = torch.tensor([1.0, 250.0, 100.0]).view(1, 1, 1, 3)
    far = torch.tensor([-50.0, 300.0, 101.0]).view(1, 1, 1, 3)
    low, high = torch.tensor(0.0), torch.tensor(255.0)
    near = project(far, x, torch.tensor(4.0), low, high)
    assert near.flatten().tolist() == [0.0, 254.0, 101.0]
    near = project(far, x, torch.tensor(8.0), low, high)
    assert near.flatten().tolist() == [0.0, 255.0, 101.0]


def test_uniform_start_fills_the_ball():
    x = (torch.full((8, 3, 16, 16), 128.0) - MEAN_C) / STD_C
    low, high = pixel_box(MEAN_C, STD_C)
    start = uniform_start(x, 4 / STD_C, low, high)
    change = to_pixels(start) - 128
    assert -4 <= change.min() < -3.95 and 3.95 < change.max() <= 4
    # Uniform: mean 0 and variance (2 * 4)^2 / 12.
    assert abs(change.mean()) < 0.1
    assert abs(change.var() - 64 / 12) < 0.3
    assert not torch.equal(change[0], change[1])


def test_start_at_given_noise():
    x = (torch.full((1, 3, 1, 1), 253.0) - MEAN_C) / STD_C
    low, high = pixel_box(MEAN_C, STD_C)
    noise = torch.tensor([-1.0, 0.25, 1.0]).view(1, 3, 1, 1)
    start = to_pixels(uniform_start(x, 4 / STD_C, low, high, noise))
    torch.testing.assert_close(
        start.flatten(), torch.tensor([249.0, 254.0, 255.0])
    )


def test_ascent_follows_the_sign_in_pixel_steps():
    """A linear objective: each step is exactly one pixel value."""
    x = images(2)
    low, high = pixel_box(MEAN_C, STD_C)
    weight = torch.randn_like(x)
    weight[:, :, 0] = 0  # no gradient: must not move
    result = sign_ascent(
        lambda z: (weight * z).sum(),
        x, x, 5 / STD_C, 1 / STD_C, 3, low, high,
    )  # fmt: skip
    expected = (to_pixels(x) + 3 * weight.sign()).clamp(0, 255)
    torch.testing.assert_close(to_pixels(result), expected, atol=1e-3, rtol=0)
    assert not result.requires_grad


def test_ascent_stops_at_the_ball():
    x = images(2)
    low, high = pixel_box(MEAN_C, STD_C)
    result = sign_ascent(
        lambda z: z.sum(), x, x, 2 / STD_C, 1 / STD_C, 5, low, high
    )
    expected = (to_pixels(x) + 2).clamp(0, 255)
    torch.testing.assert_close(to_pixels(result), expected, atol=1e-3, rtol=0)


def test_ascent_works_under_no_grad():
    x = images(1)
    low, high = pixel_box(MEAN_C, STD_C)
    with torch.no_grad():
        result = sign_ascent(
            lambda z: z.sum(), x, x, 2 / STD_C, 1 / STD_C, 1, low, high
        )
    assert (result >= x).all() and (result > x).any()
    assert not x.requires_grad
