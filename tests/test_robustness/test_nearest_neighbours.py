# Copyright (c) aemim_mm contributors. All rights reserved.
"""k-nearest neighbours, from training images to results."""

import math

import numpy as np
import pytest
import robustness_toys as toys
import torch
from mmengine.registry import init_default_scope
from variant_trees import SYNSETS

from aemim_mm.datasets.label_spaces import subset_indices
from aemim_mm.robustness import (
    ImageSource,
    Loading,
    SuiteOptions,
    load_config_encoder,
    nearest_neighbours,
    run_suite,
    survey_sources,
    with_neighbours,
)

LOADING = Loading(batch_size=5, num_workers=0)
K, T = 20, 0.07
# Of each class
TRAINING_IMAGES = 7


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = toys.write_data(tmp_path_factory.mktemp('data'))
    for wnid, label in SYNSETS.items():
        for i in range(TRAINING_IMAGES):
            path = root / 'imagenet/train' / wnid / f'{wnid}_{i}.JPEG'
            toys.save(path, toys.pixels(f'{wnid} for training {i}', label))
    return root


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    init_default_scope('mmpretrain')
    return toys.write_model(tmp_path_factory.mktemp('m'), toys.build())


class Watched:
    """An encoder whose images are counted, and that can be stopped."""

    def __init__(self, files):
        self.encoder = load_config_encoder(*files)
        self.encoder.model.register_forward_pre_hook(self.see)
        self.images, self.stop = 0, math.inf

    def see(self, _, args):
        if self.images >= self.stop:
            raise KeyboardInterrupt
        self.images += len(args[0])

    def classifier(self, data, out, stop=math.inf, options=None):
        self.images, self.stop = 0, stop
        source = ImageSource('train', 'train', str(data / 'imagenet/train'))
        sources = [] if options is None else options.sources()
        surveys = survey_sources([*sources, source])
        found = with_neighbours(self.encoder, source, surveys, out, LOADING)
        return found, surveys


@pytest.fixture
def watched(files):
    return Watched(files)


def features(watched, folder, label_of=toys.by_wnid, resize=True):
    """Normed features and labels, apart from the suite."""
    images, labels, _ = toys.load(folder, label_of, resize)
    with torch.no_grad():
        found = watched.encoder.model(images)
    return found / found.norm(dim=1, keepdim=True), labels


def predictions(bank, labels, queries, classes=range(1000)):
    """By loops: the class with the most votes; None where there are none."""
    found, pairs = [], list(zip(bank, labels, strict=True))
    for query in queries:
        similar = [(float(f @ query), int(c)) for f, c in pairs]
        votes = {}
        for similarity, label in sorted(similar, reverse=True)[:K]:
            vote = math.exp(similarity / T)
            votes[label] = votes.get(label, 0) + vote
        votes = {c: v for c, v in votes.items() if c in classes}
        found.append(max(votes, key=votes.get) if votes else None)
    return found


def test_the_suite_on_an_encoder(data, watched, tmp_path):
    parts = 'imagenet', 'v2', 'a', 'r', 'sketch'
    options = SuiteOptions(str(data), parts)
    classifier, surveys = watched.classifier(data, tmp_path, options=options)
    results = run_suite(classifier, options, surveys, tmp_path, LOADING)
    bank = features(watched, data / 'imagenet/train')
    assert len(bank[0]) == 6 * TRAINING_IMAGES
    with np.load(tmp_path / 'per_image.npz') as content:
        correct = dict(content)
    for part, folder, label_of in (
        ('imagenet', 'imagenet/val', toys.by_wnid),
        (
            'v2',
            'imagenetv2-matched-frequency-format-val',
            lambda path: int(path.parent.name),
        ),
        ('a', 'imagenet-a', toys.by_wnid),
        ('r', 'imagenet-r', toys.by_wnid),
        ('sketch', 'sketch', toys.by_wnid),
    ):
        queries, labels = features(watched, data / folder, label_of)
        classes = range(1000)
        if part in ('a', 'r'):
            classes = subset_indices(f'imagenet-{part}')
        found = predictions(*bank, queries, classes)
        rows = zip(found, labels.tolist(), strict=True)
        expected = [p == y for p, y in rows]
        assert correct[part].astype(bool).tolist() == expected, part
        top1 = 100 * sum(expected) / len(expected)
        assert results[part]['top1'] == pytest.approx(top1)
    assert results['imagenet']['top1'] > 30
    assert results['model']['name'] == 'tiny (20-NN)'
    assert results['model']['head'] == dict(
        knn=20, temperature=0.07, training_data='train', pooling='avg'
    )
    assert results['data']['train']['images'] == 6 * TRAINING_IMAGES


def test_features_are_computed_once(data, watched, tmp_path, monkeypatch):
    monkeypatch.setattr(nearest_neighbours, 'FEATURE_IMAGES', 10)
    whole, _ = watched.classifier(data, tmp_path / 'whole')
    # And the empty image, for the number of channels
    assert watched.images == 6 * TRAINING_IMAGES + 1
    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        watched.classifier(data, out, stop=25)
    finished = sorted(out.rglob('features-*.npz'))
    assert len(finished) == 2
    again, _ = watched.classifier(data, out)
    assert watched.images == 6 * TRAINING_IMAGES + 1 - 20
    images = torch.rand(3, 3, 16, 16)
    assert torch.equal(again.model(images), whole.model(images))
    third, _ = watched.classifier(data, out)
    assert watched.images == 1
    assert third.sha256() == again.sha256() == whole.sha256()


def test_other_training_images_are_another_classifier(data, watched, tmp_path):
    first, _ = watched.classifier(data, tmp_path)
    assert first.sha256() != watched.encoder.sha256()
    root = tmp_path / 'data'
    for wnid, label in SYNSETS.items():
        for i in range(4):
            path = root / 'imagenet/train' / wnid / f'{i}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            toys.save(path, toys.pixels(f'another {wnid} {i}', label))
    second, _ = watched.classifier(root, tmp_path)
    assert second.sha256() != first.sha256()
    with pytest.raises(FileNotFoundError, match='ImageNet-1K training: there'):
        watched.classifier(tmp_path / 'absent', tmp_path)
