# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
import torch
from mmpretrain.registry import METRICS
from mmpretrain.structures import DataSample

from aemim_mm.evaluation import RealAccuracy


def sample(index, path, predicted, num_classes=1000):
    scores = torch.zeros(num_classes)
    scores[predicted] = 1
    meta = dict(sample_idx=index, img_path=path)
    return DataSample(metainfo=meta).set_pred_score(scores).to_dict()


def name(number, folder='n01440764'):
    return f'imagenet/val/{folder}/ILSVRC2012_val_{number:08d}.JPEG'


def evaluate(samples, **options):
    metric = METRICS.build(dict(type='RealAccuracy', **options))
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric.per_image.tolist()


def test_published_labels():
    labels = RealAccuracy().labels
    assert len(labels) == 50000
    assert sum(map(bool, labels)) == 46837
    assert sum(len(entry) == 2 for entry in labels) == 5408


@pytest.fixture
def labels_file(tmp_path):
    """Of images 1 to 4; an id that is off by one is wrong everywhere."""
    path = tmp_path / 'real.json'
    path.write_text(json.dumps([[10], [20, 21], [], [40]]))
    return str(path)


def test_keyed_by_file_name_and_not_by_order(labels_file):
    samples = [
        sample(0, name(4), 40),
        sample(1, name(2), 21),
        sample(2, name(1), 10),
        sample(3, name(3), 40),  # without labels
    ]
    metrics, per_image = evaluate(samples, labels_file=labels_file)
    assert metrics == {'real/top1': 100, 'real/images': 3}
    assert per_image == [1, 1, 1, -1]


def test_ids_off_by_one_are_wrong(labels_file):
    samples = [
        sample(0, name(1), 20),
        sample(1, name(2), 10),
        sample(2, name(4), 20),
    ]
    metrics, _ = evaluate(samples, labels_file=labels_file)
    assert metrics == {'real/top1': 0, 'real/images': 3}


def test_published_ids():
    # ImageNet's labels of images 2 and 3 are 970 and 230; 1 has none in ReaL.
    samples = [
        sample(0, name(3), 230),
        sample(1, name(1), 65),
        sample(2, name(2), 970),
        sample(3, name(50000), 970),
    ]
    assert evaluate(samples)[1] == [1, -1, 1, 0]


@pytest.mark.parametrize('number', [0, 5])
def test_unknown_id(labels_file, number):
    with pytest.raises(ValueError, match='has no labels: .* to .*00000004'):
        evaluate([sample(0, name(number), 1)], labels_file=labels_file)


@pytest.mark.parametrize('path', ['n01440764/1.jpg', 'ILSVRC2012_val_1.JPEG'])
def test_name_without_id(labels_file, path):
    with pytest.raises(ValueError, match=f'{path} has no labels'):
        evaluate([sample(0, path, 1)], labels_file=labels_file)


def test_other_label_space(labels_file):
    with pytest.raises(ValueError, match='but the classifier has 10$'):
        evaluate([sample(0, name(1), 1, 10)], labels_file=labels_file)


def test_nothing_to_count(labels_file):
    with pytest.raises(ValueError, match='none of the 1 images has labels'):
        evaluate([sample(0, name(3), 1)], labels_file=labels_file)


def test_bad_file(tmp_path):
    path = tmp_path / 'real.json'
    path.write_text('{"1": [2]}')
    with pytest.raises(ValueError, match='real.json is not a list of lists'):
        RealAccuracy(str(path))
    with pytest.raises(FileNotFoundError):
        RealAccuracy(str(tmp_path / 'gone.json'))
