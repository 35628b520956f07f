# Copyright (c) aemim_mm contributors. All rights reserved.
"""Accuracy under attack, image by image (Table 6 of the AEMIM paper)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..attacks.ascent import Classifier, check_images
from ..attacks.indexed import Attack
from ..attacks.precision import full_precision
from .adversaries import check_judged, is_correct, withstands
from .gathering import gather_images
from .pixel_batches import PixelBatch


@dataclass(frozen=True)
class RobustAccuracy:
    """What became of every image under every budget.

    Attributes:
        epsilons (tuple[float, ...]): E budgets on the 0-1 scale.
        indices (Tensor): Places of N images in the data set, (N, ), int64,
            ascending.
        correct (Tensor): Whether the classifier was right, (N, E), bool.
    """

    epsilons: tuple[float, ...]
    indices: Tensor
    correct: Tensor

    def top1(self) -> list[float]:
        """Accuracy in percent, in the order of ``epsilons``."""
        return (100 * self.correct.double().mean(dim=0)).tolist()

    def of(self, index: int) -> list[bool]:
        """One image's results, in the order of ``epsilons``.

        Args:
            index (int): Its place in the data set.

        Returns:
            list[bool]: Whether the classifier was right.

        Raises:
            KeyError: If the image was not evaluated.
        """
        (row,) = (self.indices == index).nonzero(as_tuple=True)
        if len(row) == 0:
            raise KeyError(f'no image with index {index} was evaluated')
        return self.correct[row[0]].tolist()


def robust_accuracy(
    model: Classifier,
    batches: Iterable[PixelBatch],
    attack: Attack,
    epsilons: Sequence[float],
    skip_misclassified: bool = False,
) -> RobustAccuracy:
    """Attack every image with every budget.

    White box: the attack sees the classifier that is judged. Runs in float32
    and inside ``torch.no_grad()`` and ``torch.inference_mode()`` too. Under
    ``torch.distributed`` every process evaluates its own batches and all get
    the whole result; images that the sampler padded with count once.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K),
            in eval mode: a :class:`PixelClassifier`, or any function.
        batches (Iterable[PixelBatch]): (images, labels, indices), as
            :func:`pixel_batches` yields them, on the model's device.
        attack (Callable): ``attack(model, x, y, epsilon, indices) -> x_adv``,
            such as :class:`~aemim_mm.attacks.PGDAttack`.
        epsilons (Sequence[float]): Budgets on the 0-1 scale. 0 is the clean
            image, without an attack.
        skip_misclassified (bool): Whether images that are wrong without an
            attack count as wrong for all budgets and are not attacked: an
            attacker leaves them as they are. It is faster. False attacks them
            all, as published tables do: rarely, an attack sets an image
            right. Defaults to False.

    Returns:
        RobustAccuracy: The images' results, in every process.

    Raises:
        ValueError: If there are no budgets or images, a budget or a pixel is
            outside [0, 1], an index occurs twice in a process, the attack
            breaks its budget, the classifier has a ``data_preprocessor`` or
            is in train mode, or returns probabilities.
    """
    epsilons = tuple(float(epsilon) for epsilon in epsilons)
    if not epsilons or not all(0 <= epsilon <= 1 for epsilon in epsilons):
        raise ValueError(
            f'epsilons must be budgets in [0, 1], but got {epsilons}: a '
            'budget of 2/255 is 2/255, not 2'
        )
    indices, correct = [], []
    check_judged(model)
    with full_precision():
        for x, y, index in batches:
            check_images(x, y)
            indices.append(index)
            correct.append(
                _is_correct_under(
                    model, x, y, index, attack, epsilons, skip_misclassified
                )
            )
    return RobustAccuracy(epsilons, *gather_images(indices, correct))


def _is_correct_under(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    index: Tensor,
    attack: Attack,
    epsilons: tuple[float, ...],
    skip_misclassified: bool,
) -> Tensor:
    """Whether the classifier is right, (N, E), bool."""
    clean = None
    if skip_misclassified or 0 in epsilons:
        clean = is_correct(model, x, y)
    rows = torch.arange(len(x), device=x.device)
    if skip_misclassified:
        rows = rows[clean]
    columns = []
    for epsilon in epsilons:
        if epsilon == 0:
            columns.append(clean)
            continue
        column = torch.zeros_like(y, dtype=torch.bool)
        if len(rows):
            column[rows] = withstands(
                model, attack, x[rows], y[rows], epsilon, index[rows.cpu()]
            )
        columns.append(column)
    return torch.stack(columns, dim=1)
