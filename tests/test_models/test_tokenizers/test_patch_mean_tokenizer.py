# Copyright (c) aemim_mm contributors. All rights reserved.
import torch

from aemim_mm.models.tokenizers import PatchMeanTokenizer


def test_the_decode_is_the_mean_of_each_patch_up_to_half_a_level():
    torch.manual_seed(0)
    tokenizer = PatchMeanTokenizer(patch_size=4, num_embed=32)
    images = torch.rand(3, 1, 8, 12)
    tokens = tokenizer(images)
    assert tokens.shape == (3, 2, 3) and tokens.dtype == torch.int64
    decoded = tokenizer.decode(tokens)
    assert decoded.shape == images.shape
    for row in range(2):
        for column in range(3):
            rows = slice(4 * row, 4 * row + 4)
            columns = slice(4 * column, 4 * column + 4)
            mean = images[..., rows, columns].mean((2, 3))
            patch = decoded[..., rows, columns].flatten(2)
            assert torch.equal(patch, patch[..., :1].expand_as(patch))
            assert (patch[..., 0] - mean).abs().max() <= 0.5 / 32 + 1e-6


def test_black_and_white_have_the_outer_tokens():
    tokenizer = PatchMeanTokenizer(num_embed=8)
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    assert tokenizer(images).flatten().tolist() == [0, 7]
