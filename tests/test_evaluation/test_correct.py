# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.datasets.label_spaces import subset_indices
from aemim_mm.evaluation.correct import correct

A = dict(type='SubsetAccuracy', subset='imagenet-a')
REAL = dict(type='RealAccuracy')


def judge(images, metric, num_classes=1000, paths=None):
    """Of pairs of a label and scores; other classes get 0."""
    scores = torch.zeros(len(images), num_classes)
    for row, (_, found) in zip(scores, images, strict=True):
        for name, score in found.items():
            row[name] = score
    labels = torch.tensor([label for label, _ in images])
    paths = paths or [f'{i}.png' for i in range(len(images))]
    return correct(scores, labels, paths, metric).tolist()


# 6, 11 and 988 are among ImageNet-A's classes, 0 and 5 are not.
IMAGES = [
    (6, {0: 0.6, 6: 0.4}),  # right among the 200 only
    (988, {988: 0.5, 5: 0.3}),  # right
    (11, {0: 0.5, 6: 0.3, 11: 0.2}),  # second of the 200
]


def test_the_highest_of_the_subset_or_of_all():
    assert judge(IMAGES, A) == [1, 1, 0]
    assert judge(IMAGES, dict(A, masked=False)) == [0, 1, 0]
    assert judge(IMAGES, dict(type='SubsetAccuracy')) == [0, 1, 0]
    assert judge([(1, {1: 2})], dict(A, subset=None), 3) == [1]


def test_a_class_without_any_vote_is_not_right():
    # As of k-nearest neighbours: 0, outside the subset, has all votes.
    scores = dict.fromkeys(range(1000), -torch.inf) | {0: 1.0}
    labels = subset_indices('imagenet-a')
    assert judge([(label, scores) for label in labels], A) == [0] * 200


def test_equals_the_published_evaluation():
    # natural-adv-examples/eval.py: the position in the list of 200 of the
    # highest of these logits against the position of the label.
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(50, 1000, generator=generator)
    indices = list(subset_indices('imagenet-r'))
    target = torch.randint(200, (50,), generator=generator)
    scores[range(25), [indices[t] for t in target[:25]]] += 3
    expected = (scores[:, indices].argmax(1) == target).to(torch.int8)
    assert 5 < sum(expected) < 45
    found = correct(
        scores,
        torch.tensor(indices)[target],
        [''] * 50,
        dict(type='SubsetAccuracy', subset='imagenet-r'),
    )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    'label, num_classes, subset, message',
    [
        # The label's position among the 200 in place of its index.
        (3, 1000, 'imagenet-a', '0.png has the label 3, .* 200 .*imagenet-a'),
        (6, 200, 'imagenet-a', 'but the classifier has 200'),
        (3, 3, None, 'label 3, .* among the 3 classes of the classifier'),
    ],
)
def test_what_does_not_fit(label, num_classes, subset, message):
    with pytest.raises(ValueError, match=message):
        judge([(label, {})], dict(A, subset=subset), num_classes)


def real(*images, num_classes=1000):
    """Whether the predictions are right, of pairs of a file and a class."""
    paths, classes = zip(*images, strict=True)
    pairs = [(0, {name: 1}) for name in classes]
    return judge(pairs, REAL, num_classes, paths)


def name(number):
    return f'imagenet/val/n01440764/ILSVRC2012_val_{number:08d}.JPEG'


def test_real_is_keyed_by_file_name():
    # ImageNet's labels of images 2 and 3 are 970 and 230; 1 has none in ReaL.
    right = [(name(3), 230), (name(1), 65), (name(2), 970), (name(50000), 970)]
    assert real(*right) == [1, -1, 1, 0]
    assert real((name(3), 970), (name(2), 230)) == [0, 0]


def test_number_of_images_with_labels():
    paths = [name(number) for number in range(1, 50001)]
    scores = torch.zeros(1, 1000).expand(50000, 1000)
    found = correct(scores, torch.zeros(50000), paths, REAL)
    assert (found >= 0).sum() == 46837


@pytest.mark.parametrize(
    'path', [name(0), name(50001), 'n01440764/1.jpg', 'ILSVRC2012_val_1.JPEG']
)
def test_a_name_without_labels(path):
    with pytest.raises(ValueError, match=f'{path} has no labels: .*00050000'):
        real((path, 1))


def test_real_of_another_label_space():
    with pytest.raises(ValueError, match='but the classifier has 10$'):
        real((name(1), 1), num_classes=10)
