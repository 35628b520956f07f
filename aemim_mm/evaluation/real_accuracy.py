# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import re
from pathlib import PurePath
from typing import Any

from mmpretrain.registry import METRICS

from ..datasets.label_spaces import imagenet_synsets, read_timm_list
from .per_image_metric import PerImageMetric

_NAME = re.compile(r'ILSVRC2012_val_([0-9]{8})')


@METRICS.register_module()
class RealAccuracy(PerImageMetric):
    """Accuracy on ImageNet's validation images with the labels of ReaL.

    A prediction is right if it is among the image's labels. Images without
    labels (3163 of the 50000) do not count. Labels are found by the number
    in the file's name, never by the order of images, which is another one
    where they lie in class folders.

    Gives ``top1`` in percent and ``images``, the number of images counted.

    `Are we done with ImageNet? <https://arxiv.org/abs/2006.07159>`_

    Args:
        labels_file (str, optional): JSON file of a list: at position i - 1
            the list of labels of ILSVRC2012_val_{i}. None means the published
            labels, which come with timm. Defaults to None.
        **kwargs: Keyword arguments of
            :class:`mmengine.evaluator.BaseMetric`. ``prefix`` defaults to
            'real'.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not such a list, at an image that it has no entry
            for, at a classifier with other than 1000 classes, or if no image
            has labels.
    """

    default_prefix = 'real'

    def __init__(self, labels_file: str | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        if labels_file is None:
            text = read_timm_list('imagenet_real_labels.json')
        else:
            with open(labels_file, encoding='utf-8') as file:
                text = file.read()
        labels = json.loads(text)
        if not isinstance(labels, list) or not all(
            isinstance(entry, list) for entry in labels
        ):
            raise ValueError(
                f'{labels_file} is not a list of lists of class indices'
            )
        self.labels = [frozenset(entry) for entry in labels]

    def judge(self, sample: dict) -> tuple[bool] | None:
        """Judge one image.

        Args:
            sample (dict): Prediction with ``pred_score``, (1000,), and
                ``img_path``.

        Returns:
            tuple[bool] or None: Whether its first class is among the image's
            labels; None if the image has none.
        """
        scores = self.read(sample, 'pred_score')
        if len(scores) != len(imagenet_synsets()):
            raise ValueError(
                'the labels of ReaL are of the 1000 classes of ImageNet-1K, '
                f'but the classifier has {len(scores)}'
            )
        labels = self._labels(self.read(sample, 'img_path'))
        return (int(scores.argmax()) in labels,) if labels else None

    def _labels(self, path: str) -> frozenset[int]:
        match = _NAME.fullmatch(PurePath(path).stem)
        number = int(match[1]) if match else 0
        if not 1 <= number <= len(self.labels):
            raise ValueError(
                f'{path} has no labels: ReaL is keyed by the file names of '
                "ImageNet's validation images, ILSVRC2012_val_00000001 to "
                f'ILSVRC2012_val_{len(self.labels):08d}'
            )
        return self.labels[number - 1]

    def summarize(self, correct: list) -> dict[str, Any]:
        """Average over the images that count.

        Args:
            correct (list[tuple[bool] | None]): Of every image.

        Returns:
            dict[str, Any]: ``top1`` in percent, and ``images``.
        """
        counted = [c[0] for c in correct if c is not None]
        if not counted:
            raise ValueError(f'none of the {len(correct)} images has labels')
        return dict(
            top1=100 * sum(counted) / len(counted), images=len(counted)
        )
