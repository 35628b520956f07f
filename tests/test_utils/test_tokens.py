# Copyright (c) aemim_mm contributors. All rights reserved.
import torch

from aemim_mm.utils.tokens import (
    gather_tokens,
    kept_ids,
    masked_ids,
    masking_of,
)


def test_gather_tokens():
    x = torch.arange(2 * 4 * 3).reshape(2, 4, 3)
    ids = torch.tensor([[3, 0], [1, 1]])
    result = gather_tokens(x, ids)
    assert torch.equal(result[0], x[0, [3, 0]])
    assert torch.equal(result[1], x[1, [1, 1]])
    shared = gather_tokens(x[:1], ids)
    assert torch.equal(shared[1], x[0, [1, 1]])


def test_masking_of_inverts_kept_ids():
    ids = torch.tensor([[3, 0], [1, 2]])
    mask, ids_restore = masking_of(ids, 5)
    assert mask.tolist() == [[0, 1, 1, 0, 1], [1, 0, 0, 1, 1]]
    assert torch.equal(kept_ids(ids_restore, 2), ids)
    assert ids_restore.tolist() == [[1, 2, 3, 0, 4], [2, 0, 1, 3, 4]]


def test_masked_ids_ascend():
    mask = torch.tensor([[1.0, 0, 1, 1], [0, 1, 1, 1]])
    assert masked_ids(mask, 3).tolist() == [[0, 2, 3], [1, 2, 3]]
    # Without the last ones where fewer are asked for.
    assert masked_ids(mask, 1).tolist() == [[0], [1]]
