# Copyright (c) aemim_mm contributors. All rights reserved.
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import broadcast_object_list, get_world_size
from mmengine.evaluator import BaseMetric


class PerImageMetric(BaseMetric):
    """Base class of metrics that evaluate every image separately, once.

    With several processes the sampler repeats some images, so that all
    processes have the same number. mmengine removes the repeated ones by
    position, which is right for only one kind of sampler. Here images are
    identified by their index in the data set and each counts once. One
    process and several therefore give the same numbers, image by image.

    Attributes:
        keys (list): The images' keys, sorted: indices in the data set. Set
            by ``evaluate()`` in every process, as is the next.
        per_image (np.ndarray): int8, (N,). 1 where the image of this key is
            right, 0 where wrong, -1 where it does not count.
    """

    keys: list
    per_image: np.ndarray

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Judge a batch.

        Args:
            data_batch (Any): Not used.
            data_samples (Sequence[dict]): Predictions with ``pred_score``,
                (C,).
        """
        for sample in data_samples:
            index = self.read(sample, 'sample_idx')
            self.results.append((index, self.judge(sample)))

    def evaluate(self, size: int) -> dict[str, Any]:
        """Gather all processes' results and compute the metrics.

        Args:
            size (int): Number of images in the data set.

        Returns:
            dict[str, Any]: The metrics, in every process.

        Raises:
            RuntimeError: If other than ``size`` images were judged.
        """
        self._size = size
        self.keys, self.per_image = [], np.zeros(0, np.int8)
        # The surplus is less than one image per process; none is cut off.
        metrics = super().evaluate(size + get_world_size())
        shared = [self.keys, self.per_image]
        broadcast_object_list(shared)
        self.keys, self.per_image = shared
        return metrics

    def compute_metrics(self, results: list) -> dict[str, Any]:
        """Compute the metrics from what is right, image by image.

        Args:
            results (list): Pairs of an index and what :meth:`judge` says,
                some of them twice.

        Returns:
            dict[str, Any]: The metrics.
        """
        unique = dict(results)
        if len(unique) != self._size:
            raise RuntimeError(
                f'{type(self).__name__} judged {len(unique)} images of a data '
                f'set of {self._size}. Every image has to come once: no '
                'drop_last, and a sampler that deals all out'
            )
        self.keys = sorted(unique)
        correct = [unique[key] for key in self.keys]
        self.per_image = np.array(
            [-1 if c is None else c[0] for c in correct], dtype=np.int8
        )
        return self.summarize(correct)

    def read(self, sample: dict, name: str) -> Any:
        """A field of a prediction.

        Args:
            sample (dict): A prediction.
            name (str): Name of the field.

        Returns:
            Any: Its value.

        Raises:
            ValueError: If it is not there.
        """
        if name not in sample:
            raise ValueError(
                f'{type(self).__name__} needs {name} in every data sample. '
                'img_path and sample_idx come from the data set through '
                "PackInputs' meta_keys, pred_score from the classifier's head"
            )
        return sample[name]

    @abstractmethod
    def judge(self, sample: dict) -> tuple[bool, ...] | None:
        """Judge one image.

        Args:
            sample (dict): A prediction.

        Returns:
            tuple[bool, ...] or None: Whether it is right, by one or several
            criteria, or None if it does not count.
        """

    @abstractmethod
    def summarize(
        self, correct: list[tuple[bool, ...] | None]
    ) -> dict[str, Any]:
        """Compute the metrics; in the main process only.

        Args:
            correct (list): What :meth:`judge` says of each image.

        Returns:
            dict[str, Any]: The metrics.
        """
