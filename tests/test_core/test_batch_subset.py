# Copyright (c) aemim_mm contributors. All rights reserved.
import torch

from aemim_mm.core.batch_subset import BatchSubset


def test_rows_of_structures():
    rows = BatchSubset([0, 2], 3)
    x = torch.arange(6).reshape(3, 2)
    scalar, other = torch.tensor(5), torch.ones(1, 4)
    result = rows.of((x, [x, x], {'a': x, 'b': 'text'}, scalar, other, None))
    expected = x[[0, 2]]
    assert torch.equal(result[0], expected)
    assert all(torch.equal(v, expected) for v in result[1])
    assert torch.equal(result[2]['a'], expected) and result[2]['b'] == 'text'
    assert result[3] is scalar and result[4] is other and result[5] is None
    assert isinstance(result, tuple)


def test_list_of_samples_and_list_of_views():
    rows = BatchSubset([1], 2)
    assert rows.of(['a', 'b']) == ['b']
    # Two tensors that are not batches of two are samples.
    samples = [torch.zeros(5), torch.ones(5)]
    assert torch.equal(rows.of(samples)[0], torch.ones(5))
    views = [torch.tensor([0, 1]), torch.tensor([2, 3])]
    assert [v.tolist() for v in rows.of(views)] == [[1], [3]]
    views = [view[:, None] for view in views]
    assert [v.tolist() for v in rows.of(views)] == [[[1]], [[3]]]


def test_all_rows_copy_nothing():
    x = torch.ones(3)
    assert BatchSubset(None, 3).of(x) is x


def test_gradient_flows_through_rows():
    x = torch.ones(3, requires_grad=True)
    BatchSubset([0, 2], 3).of(x).sum().backward()
    assert x.grad.tolist() == [1, 0, 1]
