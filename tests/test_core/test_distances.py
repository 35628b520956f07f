# Copyright (c) aemim_mm contributors. All rights reserved.
import math

import pytest
import torch

from aemim_mm.core.distances import (
    kl_divergence,
    squared_l2,
)


def test_squared_l2_by_hand():
    a = torch.tensor([[[1.0, 2.0]], [[0.0, 0.0]]])
    b = torch.tensor([[[0.0, 0.0]], [[3.0, 4.0]]])
    assert squared_l2([a], [b]).tolist() == [5.0, 25.0]


def test_kl_by_hand():
    """KL(clean || adversarial) of (1/2, 1/2) and (1/4, 3/4), two tokens."""
    clean = torch.zeros(1, 2, 2)
    adv = torch.tensor([1.0, 3.0]).log().expand(1, 2, 2)
    expected = 2 * (0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75))
    assert kl_divergence([adv], [clean]).item() == pytest.approx(expected)
    # The order matters.
    assert kl_divergence([clean], [adv]).item() != pytest.approx(expected)


def test_kl_channels_of_a_feature_map():
    tokens_a, tokens_b = torch.randn(2, 6, 5), torch.randn(2, 6, 5)
    maps = [
        t.transpose(1, 2).reshape(2, 5, 2, 3) for t in (tokens_a, tokens_b)
    ]
    torch.testing.assert_close(
        kl_divergence([maps[0]], [maps[1]]),
        kl_divergence([tokens_a], [tokens_b]),
    )


def test_maps_count_alike():
    """Each map enters as N_last * its mean."""
    a = [torch.randn(3, 4, 8, 8), torch.randn(3, 8, 2, 2)]
    b = [torch.randn(3, 4, 8, 8), torch.randn(3, 8, 2, 2)]
    means = [
        (p - q).square().flatten(1).mean(1) for p, q in zip(a, b, strict=True)
    ]
    torch.testing.assert_close(squared_l2(a, b), 32 * (means[0] + means[1]))


def test_another_number_of_maps_is_an_error():
    with pytest.raises(
        ValueError, match='1 feature maps against 2 reference maps'
    ):
        squared_l2([torch.ones(1, 2)], [torch.ones(1, 2)] * 2)


@pytest.mark.parametrize('distance', [squared_l2, kl_divergence])
@pytest.mark.parametrize('num_maps', [1, 3])
def test_gradient_survives_half_precision(distance, num_maps):
    """A sum keeps its sign step in fp16 where a mean loses it."""
    reference = [torch.randn(4, 197, 384) for _ in range(num_maps)]
    features = [r + 1e-3 * torch.randn_like(r) for r in reference]

    def lost(reduce):
        leaves = [f.half().requires_grad_(True) for f in features]
        reduce(distance(leaves, [r.half() for r in reference])).backward()
        grad = torch.cat([leaf.grad.flatten() for leaf in leaves])
        changed = torch.cat(
            [
                (leaf.detach() != r.half()).flatten()
                for leaf, r in zip(leaves, reference, strict=True)
            ]
        )
        return (grad[changed] == 0).float().mean().item()

    assert lost(lambda d: d.sum()) < 0.05
    assert lost(lambda d: d.sum() / (197 * 384 * 4)) > 0.95


def test_float32_for_half_features():
    half = [torch.full((1, 100, 100), 8.0, dtype=torch.float16)]
    zero = [torch.zeros(1, 100, 100, dtype=torch.float16)]
    result = squared_l2(half, zero)
    assert result.dtype == torch.float32 and result.item() == 640000.0
