# Copyright (c) aemim_mm contributors. All rights reserved.
"""Confidence intervals of accuracies and of their differences.

All are for a level of 95 %, in percent. They say how far a number can be off
because these images were drawn and not others; they say nothing about another
seed of the training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Proportion:
    """A share of images, as one summand of a result.

    Attributes:
        percent (float): The share, 0 to 100.
        images (int): Of how many.
        weight (float): Its weight in the result. Defaults to 1.
        cell (str): Name of the cell that it is of. Defaults to ''.
    """

    percent: float
    images: int
    weight: float = 1.0
    cell: str = ''

    @property
    def adjusted(self) -> float:
        """The percentage with one more success and one more failure."""
        return (self.percent * self.images + 100) / (self.images + 2)

    @property
    def error(self) -> float:
        """The standard error of :attr:`adjusted`, in percent."""
        value = self.adjusted
        return sqrt(value * (100 - value) / (self.images + 2))


# Several data sets, each with the shares that are of its images.
Groups = Sequence[Sequence[Proportion]]


def wilson(percent: float, images: int) -> tuple[float, float]:
    """Wilson's score interval of one share.

    E. B. Wilson, Probable inference, the law of succession, and statistical
    inference, Journal of the American Statistical Association 22, 1927.

    Args:
        percent (float): The share, 0 to 100.
        images (int): Of how many.

    Returns:
        tuple[float, float]: Lower and upper end in percent.

    Raises:
        ValueError: If there are no images, or the share is outside 0 to 100.
    """
    if images < 1 or not 0 <= percent <= 100:
        raise ValueError(
            f'{percent} % of {images} images is not valid: a percentage is 0 '
            'to 100, of at least one image'
        )
    p, z = percent / 100, Z * Z / images
    middle = (p + z / 2) / (1 + z)
    half = sqrt(p * (1 - p) * z + z * z / 4) / (1 + z)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def standard_error(groups: Groups) -> float:
    """The standard error of a weighted sum of shares, at most.

    Data sets are independent. Shares of the same images are not, and how far
    they go together is not known from the shares alone: their standard errors
    are added, which no dependence exceeds. Of one share it is exact.

    Args:
        groups (Groups): The summands, by data set.

    Returns:
        float: In percent.
    """
    sums = [sum(abs(p.weight) * p.error for p in group) for group in groups]
    return sqrt(sum(value**2 for value in sums))


def unpaired(first: Groups, second: Groups) -> tuple[float, float]:
    """The interval of a difference where nothing is known of single images.

    The normal interval after one success and one failure were added to each
    share, which keeps it right near 0 and 100 %: A. Agresti, B. Caffo, Simple
    and effective confidence intervals for proportions and differences of
    proportions, The American Statistician 54, 2000. It takes the images of
    the two classifiers as drawn independently; on the same images it is wider
    than need be. Of sums it is :func:`standard_error`'s upper bound.

    Args:
        first (Groups): The summands of one result.
        second (Groups): Of the other, in the same order.

    Returns:
        tuple[float, float]: Ends of the interval of second - first.
    """
    middle = _adjusted(second) - _adjusted(first)
    half = Z * sqrt(standard_error(first) ** 2 + standard_error(second) ** 2)
    return middle - half, middle + half


def paired(
    differences: Sequence[np.ndarray], bounds: Sequence[float]
) -> tuple[float, float]:
    """The interval of a difference that is known image by image.

    Of one share, the normal interval of McNemar's table after one image was
    added to either kind of disagreement: D. G. Bonett, R. M. Price, Adjusted
    Wald confidence interval for a difference of binomial proportions based on
    paired data, Journal of Educational and Behavioral Statistics 37, 2012.
    Of a weighted sum, the same with the largest possible disagreements.

    Args:
        differences (Sequence[np.ndarray]): By data set, second - first for
            each image, (N, ), such as -1, 0 or 1.
        bounds (Sequence[float]): By data set, the largest difference that an
            image can have.

    Returns:
        tuple[float, float]: Ends of the interval of second - first, in
        percent.
    """
    middle = variance = 0.0
    for values, bound in zip(differences, bounds, strict=True):
        values = np.concatenate([values, [bound, -bound]])
        middle += values.mean()
        variance += values.var() / len(values)
    half = Z * sqrt(variance)
    return float(100 * (middle - half)), float(100 * (middle + half))


def _adjusted(groups: Groups) -> float:
    return sum(p.weight * p.adjusted for group in groups for p in group)
