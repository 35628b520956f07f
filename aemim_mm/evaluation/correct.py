# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which images a classifier has right, on ImageNet and its variants."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any

import torch
from torch import Tensor

from ..datasets.label_spaces import (
    imagenet_synsets,
    read_timm_list,
    subset_indices,
)

_REAL_NAME = re.compile(r'ILSVRC2012_val_([0-9]{8})')


def correct(
    scores: Tensor,
    labels: Tensor,
    paths: Sequence[str],
    metric: Mapping[str, Any],
) -> Tensor:
    """Judge every image of a batch.

    Args:
        scores (Tensor): Of all classes, (N, C), on the CPU. A class with the
            score -inf is never right.
        labels (Tensor): Indices among all classes, (N, ).
        paths (Sequence[str]): The N images' files.
        metric (Mapping): ``type``, which is a name, not that of a class:
            finished cells are found by it. For SubsetAccuracy possibly
            ``subset`` and ``masked``, too.

            - SubsetAccuracy: whether the highest score is that of the label.
              Of ``subset``, 'imagenet-a' or 'imagenet-r', only the scores of
              its 200 classes compete, as in published accuracies, unless
              ``masked`` is False.
            - RealAccuracy: whether the class of the highest score is among
              the image's labels of `ReaL <https://arxiv.org/abs/2006.07159>`_.
              They are found by the number in the file's name, never by the
              order of images, which is another one in class folders.

    Returns:
        Tensor: (N, ), int8. 1 where an image is right, 0 where wrong, -1
        where it has no labels (3163 of the 50000 in ReaL).

    Raises:
        ValueError: If classes, labels or files do not fit.
    """
    if metric['type'] == 'RealAccuracy':
        return _by_real(scores, paths)
    subset, classes = metric.get('subset'), torch.arange(scores.shape[1])
    known = classes
    if subset is not None:
        _check_classes(scores, subset)
        known = torch.tensor(subset_indices(subset))
        if metric.get('masked', True):
            classes = known
    for label, path in zip(labels.tolist(), paths, strict=True):
        if label not in known:
            raise ValueError(
                f'{path} has the label {label}, which is not among the '
                f'{len(known)} classes of {subset or "the classifier"}'
            )
    # topk, not argmax: of equal scores the two may take different ones, and
    # results of before are by topk.
    top = scores[:, classes].topk(1)
    right = classes[top.indices] == labels[:, None]
    # A class that no neighbour votes for is never the prediction.
    right &= top.values > -torch.inf
    return right[:, 0].to(torch.int8)


def _by_real(scores: Tensor, paths: Sequence[str]) -> Tensor:
    _check_classes(scores, 'ReaL')
    answers = [_real_answers(path) for path in paths]
    right = [
        int(found in answer) if answer else -1
        for found, answer in zip(
            scores.argmax(1).tolist(), answers, strict=True
        )
    ]
    return torch.tensor(right, dtype=torch.int8)


def _real_answers(path: str) -> list[int]:
    match = _REAL_NAME.fullmatch(PurePath(path).stem)
    number, answers = int(match[1]) if match else 0, _real_labels()
    if not 1 <= number <= len(answers):
        raise ValueError(
            f'{path} has no labels: ReaL is keyed by the file names of '
            "ImageNet's validation images, ILSVRC2012_val_00000001 to "
            f'ILSVRC2012_val_{len(answers):08d}. Rename them, or leave real '
            'out of --suite'
        )
    return answers[number - 1]


@cache
def _real_labels() -> list[list[int]]:
    return json.loads(read_timm_list('imagenet_real_labels.json'))


def _check_classes(scores: Tensor, what: str) -> None:
    if scores.shape[1] != len(imagenet_synsets()):
        raise ValueError(
            f'{what} has labels of the 1000 classes of ImageNet-1K, but the '
            f'classifier has {scores.shape[1]}'
        )
