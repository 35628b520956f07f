# Copyright (c) aemim_mm contributors. All rights reserved.
"""The smallest budget that fools a classifier, per image."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..attacks.ascent import Classifier, check_images
from ..attacks.indexed import Attack
from ..attacks.precision import full_precision
from .adversaries import check_judged, is_correct, withstands
from .gathering import gather_images
from .pixel_batches import PixelBatch
from .robustness_curve import MinimalEpsilons

# Of ARES-Bench: the first budget on the 0-1 scale, and numbers of probes.
START = 2 / 255
NUM_DOUBLINGS = 5
NUM_BISECTIONS = 10


def minimal_epsilons(
    model: Classifier, batches: Iterable[PixelBatch], attack: Attack
) -> MinimalEpsilons:
    """Search for every image's minimal budget by doubling and bisection.

    The search of ARES-Bench. 2/255 is tried first and doubled while the
    attack fails, up to 32/255. Then the bracket (largest budget that failed
    last, smallest that succeeded; 64/255 where 32/255 failed) is halved ten
    times. Each probe is a whole run of ``attack`` with a budget per image;
    only images that are not decided yet take part in it.

    - An image that is misclassified without an attack has the budget 0.
    - One that no probe fools, up to 64/255, has ``inf``. The original writes
      100 instead.
    - Any other has the smallest budget whose probe *did* fool the classifier,
      at most one bracket (2^-10 of its width) above one that did not. The
      original records the largest change of a pixel instead, which is less
      where the pixel box cuts the perturbation.

    PGD is not monotone: it may succeed with a budget and fail with a larger
    one. The recorded budget is then one of several boundaries, and an upper
    bound of the smallest. The attack did succeed with the recorded budget.
    An image counts as fooled by all larger budgets, because its adversarial
    example is within those, too. A fixed grid, which runs the attack with
    each budget, can therefore be slightly higher. Compare the two curves as a
    check.

    Works under ``torch.distributed`` as :func:`robust_accuracy` does; the
    processes' batches need not be equal in number or size.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K),
            in eval mode: a :class:`PixelClassifier`, or any function.
        batches (Iterable[PixelBatch]): (images, labels, indices), as
            :func:`pixel_batches` yields them, on the model's device.
        attack (Callable): ``attack(model, x, y, epsilon, indices) -> x_adv``,
            where ``epsilon`` is (N, ), a budget per image, such as
            :class:`~aemim_mm.attacks.PGDAttack`.

    Returns:
        MinimalEpsilons: The images' minimal budgets, in every process.

    Raises:
        ValueError: As :func:`robust_accuracy`.
    """
    indices, found = [], []
    check_judged(model)
    with full_precision():
        for x, y, index in batches:
            check_images(x, y)
            correct = is_correct(model, x, y)
            epsilons = torch.zeros(len(x), dtype=torch.float64)
            if correct.any():
                x, y, kept = x[correct], y[correct], index[correct.cpu()]
                epsilons[correct.cpu()] = search(
                    _probe(model, attack, x, y, kept),
                    len(x),
                    START,
                    NUM_DOUBLINGS,
                    NUM_BISECTIONS,
                )
            indices.append(index)
            found.append(epsilons)
    return MinimalEpsilons(*gather_images(indices, found))


def _probe(
    model: Classifier, attack: Attack, x: Tensor, y: Tensor, index: Tensor
) -> Callable[[Tensor, Tensor], Tensor]:
    def fooled(rows: Tensor, epsilon: Tensor) -> Tensor:
        at = rows.to(x.device)
        budgets = epsilon.to(x)
        return ~withstands(
            model, attack, x[at], y[at], budgets, index[rows]
        ).cpu()

    return fooled


def search(
    fooled: Callable[[Tensor, Tensor], Tensor],
    count: int,
    start: float,
    num_doublings: int,
    num_bisections: int,
) -> Tensor:
    """Doubling, then bisection, for many images at once.

    Args:
        fooled (Callable): Maps rows (M, ) of images and their budgets (M, ),
            float64, to whether those suffice, (M, ), bool. Called with the
            undecided images only.
        count (int): Number of images.
        start (float): First budget.
        num_doublings (int): Probes that double the budget.
        num_bisections (int): Probes that halve the bracket.

    Returns:
        Tensor: Smallest successful budgets, (count, ), float64, ``inf`` where
        none was.
    """
    # In float64: the same budgets as Python's, whatever the device.
    low = torch.zeros(count, dtype=torch.float64)
    high = torch.full_like(low, start)
    best = torch.full_like(low, math.inf)
    rows = torch.arange(count)
    for _ in range(num_doublings):
        success = fooled(rows, high[rows])
        best[rows[success]] = high[rows[success]]
        rows = rows[~success]
        if len(rows) == 0:
            break
        low[rows] = high[rows]
        high[rows] *= 2
    rows = torch.arange(count)
    for _ in range(num_bisections):
        middle = (low + high) / 2
        success = fooled(rows, middle)
        best[success] = middle[success]
        high = torch.where(success, middle, high)
        low = torch.where(success, low, middle)
    return best
