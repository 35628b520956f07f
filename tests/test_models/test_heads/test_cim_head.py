# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.models.heads import CIMHead


@pytest.mark.parametrize('window', [1, 3, 7])
def test_target_against_a_plain_loop(window):
    """Each pixel, by the pixels of its channel in the window around it."""
    torch.manual_seed(0)
    x = 3 * torch.randn(2, 3, 8, 8) + 1
    head = CIMHead(embed_dims=4, window=window, patch_size=4)
    expected, reach = torch.empty_like(x), window // 2
    for row in range(8):
        for column in range(8):
            around = x[
                :,
                :,
                max(0, row - reach) : row + reach + 1,
                max(0, column - reach) : column + reach + 1,
            ].flatten(2)
            mean = around.mean(2)
            var = around.var(2, correction=0)
            pixel = x[:, :, row, column]
            expected[:, :, row, column] = (pixel - mean) / (var + 1e-6).sqrt()
    target = head.construct_target(x)
    assert target.shape == (2, 4, 48)
    torch.testing.assert_close(
        head.unpatchify(target), expected, atol=1e-4, rtol=1e-4
    )


def test_flat_areas_give_zero():
    head = CIMHead(embed_dims=4, window=5, patch_size=4)
    target = head.construct_target(torch.full((1, 3, 8, 8), 2.5))
    assert target.abs().max() < 1e-2


def test_every_patch_counts_and_the_class_token_does_not():
    torch.manual_seed(0)
    head = CIMHead(embed_dims=4, window=3, patch_size=4, in_channels=1)
    feats, image = torch.randn(2, 5, 4), torch.randn(2, 1, 8, 8)
    loss = head.loss(feats, image)
    error = head.pred(feats[:, 1:]) - head.construct_target(image)
    torch.testing.assert_close(loss, error.square().mean())
    for token in range(5):
        moved = feats.clone()
        moved[:, token] += 1
        assert torch.equal(head.loss(moved, image), loss) == (token == 0)


def test_a_window_without_a_middle_is_refused():
    with pytest.raises(ValueError, match='window=8 must be odd'):
        CIMHead(embed_dims=4, window=8)
