# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.registry import METRICS

from ..datasets.label_spaces import imagenet_synsets, subset_indices
from .per_image_metric import PerImageMetric


@METRICS.register_module()
class SubsetAccuracy(PerImageMetric):
    """Accuracy over part of a classifier's classes.

    ImageNet-A and -R have images of 200 classes each. Published accuracies
    on them are those of the highest of these 200 scores of the 1000; taking
    the highest of all 1000 gives lower numbers. Labels are indices among all
    the classes. A class with the score -inf is never right.

    Gives ``top{k}`` in percent and ``images``, the number of images.

    Args:
        subset (str | Sequence[int], optional): 'imagenet-a', 'imagenet-r' or
            the class indices. None means all classes. Defaults to None.
        topk (int | Sequence[int]): Which accuracies. Defaults to (1, ).
        masked (bool): Whether only scores of the subset's classes compete.
            Defaults to True.
        **kwargs: Keyword arguments of
            :class:`mmengine.evaluator.BaseMetric`. ``prefix`` defaults to
            'subset'.

    Raises:
        ValueError: If the subset is unknown, empty or names a class twice, if
            k is not within it, or at an image or classifier that it does
            not fit.
    """

    default_prefix = 'subset'

    def __init__(
        self,
        subset: str | Sequence[int] | None = None,
        topk: int | Sequence[int] = (1,),
        masked: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.name = subset if isinstance(subset, str) else None
        if isinstance(subset, str):
            subset = subset_indices(subset)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)
        self.masked = masked
        self.indices = None if subset is None else self._tensor(subset)
        if not self.topk or min(self.topk) < 1:
            raise ValueError(f'topk is {topk}; it needs numbers from 1')

    @staticmethod
    def _tensor(subset: Sequence[int]) -> torch.Tensor:
        indices = [int(index) for index in subset]
        if not indices or min(indices) < 0:
            raise ValueError(
                f'subset is {indices}; it must name class indices from 0'
            )
        if len(set(indices)) < len(indices):
            raise ValueError(f'subset names a class twice: {indices}')
        return torch.tensor(indices)

    def judge(self, sample: dict) -> tuple[bool, ...]:
        """Judge one image.

        Args:
            sample (dict): Prediction with ``pred_score``, (C,), and
                ``gt_label``.

        Returns:
            tuple[bool, ...]: Whether the label is among the first k classes,
            for each k.
        """
        scores = self.read(sample, 'pred_score').detach().cpu()
        label = int(self.read(sample, 'gt_label'))
        if not 0 <= label < len(scores):
            raise ValueError(
                f'{sample.get("img_path", "an image")} has the label {label}, '
                f'but the classifier has {len(scores)} classes'
            )
        classes = torch.arange(len(scores))
        if self.indices is not None:
            self._check(len(scores), label, sample)
            if self.masked:
                classes = self.indices
        if max(self.topk) > len(classes):
            raise ValueError(
                f'top-{max(self.topk)} accuracy over {len(classes)} classes'
            )
        top = scores[classes].topk(max(self.topk))
        # A class that no neighbour votes for is never the prediction.
        hits = (classes[top.indices] == label) & (top.values > -torch.inf)
        return tuple(bool(hits[:k].any()) for k in self.topk)

    def _check(self, num_classes: int, label: int, sample: dict) -> None:
        if self.name is not None and num_classes != len(imagenet_synsets()):
            raise ValueError(
                f'{self.name} is part of the 1000 classes of ImageNet-1K, but '
                f'the classifier has {num_classes}'
            )
        if int(self.indices.max()) >= num_classes:
            raise ValueError(
                f'subset names class {int(self.indices.max())}, but the '
                f'classifier has {num_classes}'
            )
        if label not in self.indices:
            raise ValueError(
                f'{sample.get("img_path", "an image")} has the label {label}, '
                f'which is not in the subset {self.name or ""}. Its labels '
                'must be indices among all classes, and its images be of the '
                "subset's"
            )

    def summarize(self, correct: list) -> dict[str, Any]:
        """Average over the images.

        Args:
            correct (list[tuple[bool, ...]]): Of every image, for each k.

        Returns:
            dict[str, Any]: ``top{k}`` in percent, and ``images``.
        """
        num = len(correct)
        metrics = {
            f'top{k}': 100 * sum(c[i] for c in correct) / num
            for i, k in enumerate(self.topk)
        }
        return metrics | dict(images=num)
