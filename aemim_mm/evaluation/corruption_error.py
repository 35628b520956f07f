# Copyright (c) aemim_mm contributors. All rights reserved.
from pathlib import PurePath
from typing import Any

from mmpretrain.registry import METRICS

from .corruption_scores import SEVERITIES, corruption_scores
from .subset_accuracy import SubsetAccuracy


@METRICS.register_module()
class CorruptionError(SubsetAccuracy):
    """Errors over the cells of an ImageNet-C tree, and their mCE.

    For one data set of all cells (pairs of corruption and severity) that are
    evaluated, such as a ``ConcatDataset`` of several
    :class:`ImageNetVariant`. The cell is read from the path of an image:
    ``<corruption>/<severity>/<class>/<image>``.

    The metrics are ``mce`` (if all 75 cells are there and the classes are
    those of ImageNet-1K) and ``mean_error``, both in percent, and the numbers
    of ``cells`` and ``images``. :attr:`scores` has the whole table.

    Attributes:
        scores (dict): What :func:`corruption_scores` returns. Set by
            ``evaluate()`` in every process.

    Args:
        **kwargs: Keyword arguments of
            :class:`mmengine.evaluator.BaseMetric`. ``prefix`` defaults to
            'corruption'.

    Raises:
        ValueError: If a path has no cell in it.
    """

    default_prefix = 'corruption'

    def __init__(self, **kwargs) -> None:
        super().__init__(subset=None, topk=1, **kwargs)
        self.scores: dict[str, Any] = {}

    def evaluate(self, size: int) -> dict[str, Any]:
        """Gather all processes' results and compute the metrics.

        Args:
            size (int): Number of images in the data set.

        Returns:
            dict[str, Any]: The metrics, in every process.
        """
        metrics = super().evaluate(size)
        self.scores = self._score(self.keys, self.per_image)
        return metrics

    def key(self, sample: dict) -> str:
        """What tells an image from the others.

        Args:
            sample (dict): A prediction.

        Returns:
            str: Its path. In a joined data set indices start anew in every
            part.
        """
        return self.read(sample, 'img_path')

    def summarize(self, keys: list, correct: list) -> dict[str, Any]:
        """Compute the errors.

        Args:
            keys (list[str]): The images' paths.
            correct (list[tuple[bool]]): Whether they are right.

        Returns:
            dict[str, Any]: ``mean_error``, ``cells``, ``images`` and perhaps
            ``mce``.
        """
        scores = self._score(keys, [c[0] for c in correct])
        metrics = dict(
            mce=scores['mce'],
            mean_error=scores['mean_error'],
            cells=scores['cells'],
            images=len(keys),
        )
        return {k: v for k, v in metrics.items() if v is not None}

    def _score(self, keys: list, correct: Any) -> dict[str, Any]:
        wrong: dict[str, dict[int, list]] = {}
        for path, right in zip(keys, correct, strict=True):
            corruption, severity = _cell(path)
            row = wrong.setdefault(corruption, {})
            row.setdefault(severity, []).append(not right)
        cells = {
            corruption: {k: 100 * sum(v) / len(v) for k, v in row.items()}
            for corruption, row in wrong.items()
        }
        meta = self.dataset_meta or {}
        return corruption_scores(cells, meta.get('imagenet_1k', False))


def _cell(path: str) -> tuple[str, int]:
    parts = PurePath(path).parts
    if len(parts) < 4 or parts[-3] not in map(str, SEVERITIES):
        raise ValueError(
            f'{path} is not in <corruption>/<severity>/<class>/<image>, '
            'severity being 1 to 5'
        )
    return parts[-4], int(parts[-3])
