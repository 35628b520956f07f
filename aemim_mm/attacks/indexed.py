# Copyright (c) aemim_mm contributors. All rights reserved.
"""Attacks in the form in which the evaluation calls them.

That form is ``attack(model, x, y, epsilon, indices) -> x_adv``: images and
budgets on the 0-1 scale, ``indices`` (N, ) the images' places in the data set.
Any function of this form can take the place of the two classes here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .ascent import Classifier
from .fgsm import fgsm
from .noise import image_noise
from .pgd import pgd

Attack = Callable[[Classifier, Tensor, Tensor, float | Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class FGSMAttack:
    """:func:`~aemim_mm.attacks.fgsm`, which needs no indices."""

    def __call__(
        self,
        model: Classifier,
        x: Tensor,
        y: Tensor,
        epsilon: float | Tensor,
        indices: Tensor,
    ) -> Tensor:
        """Attack a batch; see :func:`~aemim_mm.attacks.fgsm`."""
        return fgsm(model, x, y, epsilon)


@dataclass(frozen=True)
class PGDAttack:
    """:func:`~aemim_mm.attacks.pgd` from starts that belong to the images.

    Args:
        num_steps (int): Number of steps. Defaults to 20.
        relative_step (float): Length of a step as a share of epsilon.
            Defaults to 0.25.
        random_start (bool): Start in the ball instead of at the image.
            Defaults to True.
        seed (int): Seed of the starts; an image starts in the same direction
            for every budget. Defaults to 0.
    """

    num_steps: int = 20
    relative_step: float = 0.25
    random_start: bool = True
    seed: int = 0

    def __call__(
        self,
        model: Classifier,
        x: Tensor,
        y: Tensor,
        epsilon: float | Tensor,
        indices: Tensor,
    ) -> Tensor:
        """Attack a batch; see :func:`~aemim_mm.attacks.pgd`."""
        noise = None
        if self.random_start:
            noise = image_noise(self.seed, indices, x.shape[1:]).to(x.device)
        return pgd(
            model,
            x,
            y,
            epsilon,
            self.num_steps,
            step_size=self.relative_step * epsilon,
            random_start=self.random_start,
            noise=noise,
        )
