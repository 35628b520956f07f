# Copyright (c) aemim_mm contributors. All rights reserved.
"""AutoAttack, of the package pyautoattack."""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import torch
from torch import Tensor

from .ascent import Classifier

# Targets of APGD-T and FAB-T in the standard version.
_TARGETS = 9


def require_pyautoattack() -> ModuleType:
    """Import the package.

    Returns:
        ModuleType: ``pyautoattack``.

    Raises:
        ImportError: If it is not installed. The message says what to do.
    """
    try:
        import pyautoattack
    except ImportError as error:
        raise ImportError(
            'AutoAttack needs the package pyautoattack: pip install '
            'pyautoattack'
        ) from error
    return pyautoattack


@dataclass(frozen=True)
class AutoAttack:
    """The standard version of AutoAttack, L-infinity.

    APGD-CE, targeted APGD-DLR, targeted FAB and the Square attack one after
    the other, each on the images that the previous ones did not fool.
    `Reliable evaluation of adversarial robustness with an ensemble of diverse
    parameter-free attacks <https://arxiv.org/abs/2003.01690>`_. The package
    pyautoattack computes it and must be installed.

    Random numbers are drawn for a whole batch, not for an image. They depend
    on the batch size, the order and the number of processes. The state of
    torch's generators is restored afterwards.

    Attributes:
        package (str): The package that computes it.
        by_batch (bool): Whether its results depend on the batches.
        num_steps (int): For estimates of the time: forward and backward
            passes of an image that is never fooled.

    Args:
        seed (int): Seed of every batch. Defaults to 0.
    """

    package: ClassVar[str] = 'pyautoattack'
    by_batch: ClassVar[bool] = True
    num_steps: ClassVar[int] = 100 + 2 * _TARGETS * 100 + 2500

    seed: int = 0

    @staticmethod
    def check_classes(classes: int) -> None:
        """Refuse a classifier with too few classes.

        Args:
            classes (int): Number of its classes.

        Raises:
            ValueError: If there are fewer than 10.
        """
        if classes <= _TARGETS:
            raise ValueError(
                f'the standard version of AutoAttack aims at {_TARGETS} other '
                f'classes, but the classifier has {classes} in all: leave '
                'autoattack out of --suite'
            )

    def __call__(
        self,
        model: Classifier,
        x: Tensor,
        y: Tensor,
        epsilon: float | Tensor,
        indices: Tensor,
    ) -> Tensor:
        """Attack a batch.

        Args:
            model (Callable): Maps images in [0, 1] (N, C, H, W) to logits
                (N, K).
            x (Tensor): Images in [0, 1], (N, C, H, W).
            y (Tensor): True classes, (N, ).
            epsilon (float | Tensor): One budget on the 0-1 scale.
            indices (Tensor): Not used.

        Returns:
            Tensor: Adversarial examples, (N, C, H, W); the image itself where
            no attack succeeds.

        Raises:
            ImportError: If pyautoattack is not installed.
            ValueError: If there is a budget per image, or the classifier has
                fewer than 10 classes.
        """
        package = require_pyautoattack()
        if isinstance(epsilon, Tensor) and epsilon.numel() != 1:
            raise ValueError(
                'AutoAttack takes one budget for a batch, but got '
                f'{epsilon.numel()}: the search for minimal budgets needs '
                'another attack, such as PGDAttack, or batches of one image'
            )
        with torch.no_grad():
            self.check_classes(model(x[:1]).shape[1])
        cuda = [x.device] if x.device.type == 'cuda' else []
        with torch.random.fork_rng(cuda):
            adversary = package.AutoAttack(
                model,
                norm='Linf',
                eps=float(epsilon),
                seed=self.seed,
                version='standard',
                device=x.device,
            )
            x_adv, _ = adversary.run_standard_evaluation(
                x, y, batch_size=len(x)
            )
        return x_adv
