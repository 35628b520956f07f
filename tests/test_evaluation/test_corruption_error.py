# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.registry import METRICS
from mmpretrain.structures import DataSample

from aemim_mm.evaluation import CorruptionError
from aemim_mm.evaluation.corruption_scores import CORRUPTIONS, SEVERITIES


def sample(cell, name, right):
    path = f'imagenet-c/{cell}/n01440764/{name}.JPEG'
    # In a joined data set several images have the index 0.
    result = DataSample(metainfo=dict(sample_idx=0, img_path=path))
    scores = torch.tensor([0.9, 0.1] if right else [0.1, 0.9])
    return result.set_gt_label(0).set_pred_score(scores).to_dict()


def evaluate(samples, imagenet_1k=True):
    metric = METRICS.build(dict(type='CorruptionError'))
    metric.dataset_meta = dict(imagenet_1k=imagenet_1k)
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric


def all_cells():
    """One of four images is wrong in every cell."""
    return [
        sample(f'{corruption}/{severity}', name, name != 'a')
        for corruption in CORRUPTIONS
        for severity in SEVERITIES
        for name in 'abcd'
    ]


def test_all_cells():
    metrics, metric = evaluate(all_cells())
    assert metrics == {
        # 25 percent times the mean of 1 / AlexNet's error.
        'corruption/mce': pytest.approx(32.3363, abs=1e-4),
        'corruption/mean_error': 25,
        'corruption/cells': 75,
        'corruption/images': 300,
    }
    assert metric.scores['per_corruption']['fog']['error'] == [25] * 5
    assert metric.per_image.sum() == 225


def test_no_mce_with_a_cell_missing_or_in_another_label_space():
    metrics, _ = evaluate(all_cells()[4:])
    assert 'corruption/mce' not in metrics
    assert metrics['corruption/cells'] == 74
    metrics, metric = evaluate(all_cells(), imagenet_1k=False)
    assert 'corruption/mce' not in metrics
    assert metric.scores['mce'] is None
    assert metrics['corruption/mean_error'] == 25


def test_cells_weigh_the_same():
    samples = [sample('fog/1', 'a', False)]
    samples += [sample('snow/2', name, True) for name in 'abc']
    metrics, metric = evaluate(samples)
    assert metrics['corruption/mean_error'] == 50
    error = metric.scores['per_corruption']['snow']['error']
    assert error == [None, 0, None, None, None]


@pytest.mark.parametrize('cell', ['fog', 'fog/6', 'val'])
def test_path_without_a_cell(cell):
    with pytest.raises(ValueError, match=f'{cell}/n01440764/a.JPEG is not in'):
        evaluate([sample(cell, 'a', True)])


def test_it_is_top_1_over_all_classes():
    with pytest.raises(TypeError, match='topk'):
        CorruptionError(topk=5)
