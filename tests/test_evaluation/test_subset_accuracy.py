# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.registry import METRICS
from mmpretrain.structures import DataSample

from aemim_mm.datasets.label_spaces import subset_indices
from aemim_mm.evaluation import SubsetAccuracy


def sample(index, label, scores, num_classes=1000):
    """A prediction; classes that are not in ``scores`` get 0."""
    pred = torch.zeros(num_classes)
    for name, score in scores.items():
        pred[name] = score
    result = DataSample(metainfo=dict(sample_idx=index))
    result.set_gt_label(label).set_pred_score(pred)
    return result.to_dict()


def evaluate(samples, **options):
    metric = METRICS.build(dict(type='SubsetAccuracy', **options))
    metric.process(None, samples)
    return metric.evaluate(len(samples)), metric.per_image.tolist()


# 6, 11 and 988 are among ImageNet-A's classes, 0 and 5 are not.
A = [
    sample(0, 6, {0: 0.6, 6: 0.4}),  # right among the 200 only
    sample(1, 988, {988: 0.5, 5: 0.3}),  # right
    sample(2, 11, {0: 0.5, 6: 0.3, 11: 0.2}),  # second of the 200
]


def test_masked_is_the_highest_of_the_subset():
    metrics, per_image = evaluate(A, subset='imagenet-a', topk=(1, 2))
    assert metrics == {
        'subset/top1': pytest.approx(200 / 3),
        'subset/top2': 100,
        'subset/images': 3,
    }
    assert per_image == [1, 1, 0]


def test_unmasked_is_the_highest_of_all():
    metrics, per_image = evaluate(
        A, subset='imagenet-a', masked=False, topk=(1, 2)
    )
    assert metrics['subset/top1'] == pytest.approx(100 / 3)
    assert metrics['subset/top2'] == pytest.approx(200 / 3)
    assert per_image == [0, 1, 0]


def test_without_subset_and_with_a_list():
    assert evaluate(A)[1] == [0, 1, 0]
    assert evaluate(A, subset=[988, 11, 6])[1] == [1, 1, 0]
    # The order of the list means nothing.
    assert evaluate(A, subset=[11, 6, 988])[1] == [1, 1, 0]


def test_equals_the_published_evaluation():
    # natural-adv-examples/eval.py: the position in the list of 200 of the
    # highest of these logits against the position of the label.
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(50, 1000, generator=generator)
    indices = list(subset_indices('imagenet-r'))
    target = torch.randint(200, (50,), generator=generator)
    scores[range(25), [indices[t] for t in target[:25]]] += 3
    expected = (scores[:, indices].argmax(1) == target).int().tolist()
    samples = [
        sample(i, indices[target[i]], dict(enumerate(scores[i].tolist())))
        for i in range(50)
    ]
    assert 5 < sum(expected) < 45
    assert evaluate(samples, subset='imagenet-r')[1] == expected


@pytest.mark.parametrize(
    'item, options, message',
    [
        # The label's position among the 200 in place of its index.
        (sample(0, 3, {}), dict(subset='imagenet-a'), 'label 3, which is not'),
        (sample(0, 6, {}, 200), dict(subset='imagenet-a'), 'has 200'),
        (sample(0, 1, {}, 3), dict(subset=[1, 3]), 'class 3, but .* has 3'),
        (sample(0, 3, {}, 3), {}, 'label 3, but the classifier has 3'),
        (sample(0, 1, {}), dict(subset=[1, 2], topk=3), 'top-3 .* 2 classes'),
        (dict(sample_idx=0), {}, 'SubsetAccuracy needs pred_score'),
    ],
)
def test_what_does_not_fit(item, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate([item], **options)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(subset='imagenet-c'), "no subset 'imagenet-c'"),
        (dict(subset=[]), 'must name class indices'),
        (dict(subset=[-1]), 'must name class indices'),
        (dict(subset=[1, 1]), 'names a class twice'),
        (dict(topk=0), 'topk is 0'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        SubsetAccuracy(**options)
