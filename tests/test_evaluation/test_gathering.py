# Copyright (c) aemim_mm contributors. All rights reserved.
from unittest import mock

import pytest
import torch

from aemim_mm.evaluation.gathering import gather_images


def columns(*batches):
    """Indices and values of batches; the value of an image is 10 x index."""
    indices = [torch.tensor(batch) for batch in batches]
    return indices, [10 * index[:, None].double() for index in indices]


def test_one_process_in_the_order_of_indices():
    index, value = gather_images(*columns([5, 3], [9, 0], [4]))
    assert index.tolist() == [0, 3, 4, 5, 9]
    assert value.flatten().tolist() == [0, 30, 40, 50, 90]
    assert value.shape == (5, 1)


def test_padding_of_other_processes_counts_once():
    parts = [
        tuple(torch.cat(column) for column in columns([0, 2], [4])),
        None,  # a process without a batch
        tuple(torch.cat(column) for column in columns([1, 3], [0])),
    ]
    parts[2][1][2] = -1  # not the first to have image 0
    with mock.patch(
        'aemim_mm.evaluation.gathering.all_gather_object',
        lambda own: parts,
    ):
        index, value = gather_images(*columns([0, 2], [4]))
    assert index.tolist() == [0, 1, 2, 3, 4]
    assert value.flatten().tolist() == [0, 10, 20, 30, 40]


def test_nothing_to_gather():
    with pytest.raises(ValueError, match='no images'):
        gather_images([], [])


def test_an_index_twice_in_a_process():
    with pytest.raises(ValueError, match='twice in one process'):
        gather_images(*columns([0, 1], [1, 2]))
