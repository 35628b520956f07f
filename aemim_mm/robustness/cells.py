# Copyright (c) aemim_mm contributors. All rights reserved.
"""The units of a run."""

from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

from ..attacks import Attack
from .sources import ImageSource


@dataclass(frozen=True)
class Cell:
    """One measurement on the images of one source.

    Attributes:
        name (str): Its name in the results, such as 'v2', 'c/fog/3', 'pgd/2'
            or 'curve/minimal'. Cells of one name are parts of one
            measurement.
        source (ImageSource): The images.
        metric (dict, optional): Config of the metric, for clean images.
            Without a metric and an attack, what the model returns is kept.
            Defaults to None.
        attack (Attack, optional): The attack, a dataclass. Defaults to None.
        epsilon (float, optional): Its budget on the 0-1 scale; None searches
            the minimal one of every image. Defaults to None.
        skip_misclassified (bool): Whether images that are wrong without an
            attack are not attacked. Defaults to False.
        start (int): First image, by its place in the source. Defaults to 0.
        stop (int, optional): The image after the last one. None means all.
            Defaults to None.
    """

    name: str
    source: ImageSource
    metric: dict | None = None
    attack: Attack | None = None
    epsilon: float | None = None
    skip_misclassified: bool = False
    start: int = 0
    stop: int | None = None

    @property
    def by_batch(self) -> bool:
        """Whether results depend on how images are put into batches."""
        return getattr(self.attack, 'by_batch', False)

    def split(self, images: int, size: int) -> list['Cell']:
        """The same measurement in parts.

        Args:
            images (int): Number of images of the source.
            size (int): Number of images of a part.

        Returns:
            list[Cell]: The parts.
        """
        return [
            replace(self, start=start, stop=min(start + size, images))
            for start in range(0, images, size)
        ]

    def settings(self) -> dict[str, Any]:
        """What is measured, for the fingerprint.

        Returns:
            dict[str, Any]: What JSON can hold.
        """
        attack = None
        if self.attack is not None:
            attack = dict(type=type(self.attack).__name__)
            # Of the package that computes it
            if package := getattr(self.attack, 'package', None):
                attack[package] = version(package)
            attack.update(asdict(self.attack))  # type: ignore[call-overload]
        return dict(
            metric=self.metric,
            attack=attack,
            epsilon=self.epsilon,
            skip_misclassified=self.skip_misclassified,
            start=self.start,
            stop=self.stop,
        )
