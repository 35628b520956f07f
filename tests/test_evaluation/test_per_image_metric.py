# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
import torch
import variant_runs
from two_processes import run_in_two

from aemim_mm.evaluation.per_image_metric import PerImageMetric


class Right(PerImageMetric):
    """What stands in the sample."""

    default_prefix = 'right'

    def judge(self, sample):
        return sample['correct']

    def summarize(self, correct):
        return dict(sum=sum(c[0] for c in correct if c is not None))


def samples(*pairs):
    return [dict(sample_idx=i, correct=correct) for i, correct in pairs]


def test_each_image_counts_once_in_the_order_of_the_data_set():
    metric = Right()
    # The first three are not all of the images.
    metric.process(None, samples((2, (True,)), (0, (False,))))
    metric.process(None, samples((2, (True,)), (1, None)))
    assert metric.evaluate(3) == {'right/sum': 1}
    assert metric.keys == [0, 1, 2]
    assert metric.per_image.dtype == np.int8
    assert metric.per_image.tolist() == [0, -1, 1]


def test_every_image_has_to_come():
    metric = Right()
    metric.process(None, samples((0, (True,)), (1, (True,))))
    with pytest.raises(RuntimeError, match='judged 2 images of .* of 3'):
        metric.evaluate(3)


def test_needs_the_index():
    with pytest.raises(ValueError, match='Right needs sample_idx'):
        Right().process(None, [dict(correct=(True,))])


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory):
    """The folder of the runs, and what each of two processes found."""
    folder = tmp_path_factory.mktemp('variants')
    variant_runs.write_trees(folder)
    run_in_two(variant_runs.main, folder)
    results = [torch.load(folder / f'rank{rank}.pt') for rank in range(2)]
    return folder, results


def test_two_processes_equal_one_image_by_image(two_processes):
    folder, (first, second) = two_processes
    assert variant_runs.evaluate(folder) == first == second


def test_numbers_of_two_processes(two_processes):
    _, (found, _) = two_processes
    # Values 1 and 3 are taken for class 6; 3 is of that class.
    assert found['metrics']['subset/top1'] == pytest.approx(600 / 7)
    assert found['metrics']['subset/images'] == 7
    # Files by folder: values 0 and 6, 1, 2, 3, 4, 5.
    assert found['SubsetAccuracy'][1] == [1, 1, 0, 1, 1, 1, 1]
    assert found['SubsetAccuracy'][0] == list(range(7))
