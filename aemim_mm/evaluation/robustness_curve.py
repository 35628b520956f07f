# Copyright (c) aemim_mm contributors. All rights reserved.
"""Accuracy as a function of the budget (Figure 3 of the AEMIM paper).

By minimal budgets: :func:`minimal_epsilons`, then :meth:`curve`. By a fixed
grid: :func:`robust_accuracy` with the budgets ``GRID`` and
``skip_misclassified=True``, then its ``top1()``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..utils.storage import put_arrays, read_arrays

# Budgets of the fixed grid on the 0-1 scale: those where plain classifiers
# fall, and whole pixel values.
GRID = tuple(
    sorted(
        (0.0, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004)
        + tuple(pixels / 255 for pixels in range(1, 9))
    )
)


@dataclass(frozen=True)
class MinimalEpsilons:
    """The smallest budget that fools a classifier, for each image.

    Attributes:
        indices (Tensor): Places of N images in the data set, (N, ), int64,
            ascending.
        epsilons (Tensor): Budgets on the 0-1 scale, (N, ), float64: 0 for an
            image that is wrong without an attack, ``inf`` for one that was
            never fooled.
    """

    indices: Tensor
    epsilons: Tensor

    def curve(self, epsilons: Sequence[float]) -> list[float]:
        """Accuracy under attack.

        Args:
            epsilons (Sequence[float]): Budgets on the 0-1 scale.

        Returns:
            list[float]: Percentage of images whose minimal budget is larger,
            per budget. At 0 it is the clean accuracy.
        """
        budgets = torch.tensor(list(epsilons), dtype=torch.float64)
        count = len(self.epsilons)
        fooled = torch.searchsorted(
            self.epsilons.sort().values, budgets, right=True
        )
        return (100 * ((count - fooled).double() / count)).tolist()

    def save(
        self, path: str | Path, images: Sequence[str] | None = None
    ) -> None:
        """Write an ``npz`` file with the arrays ``index`` and ``epsilon``.

        The file is either whole or not there.

        Args:
            path (str | Path): The file; its folder is created if need be.
            images (Sequence[str], optional): A name for each image, in the
                order of ``indices``, written as the array ``image``. Defaults
                to None.

        Raises:
            ValueError: If there are other than N names.
        """
        arrays = dict(
            index=self.indices.numpy(), epsilon=self.epsilons.numpy()
        )
        if images is not None:
            if len(images) != len(self.indices):
                raise ValueError(
                    f'{len(images)} names for {len(self.indices)} images'
                )
            arrays['image'] = np.array([str(image) for image in images])
        put_arrays(arrays, path)

    @classmethod
    def load(cls, path: str | Path) -> 'MinimalEpsilons':
        """Read what :meth:`save` wrote; names of images are left out.

        Args:
            path (str | Path): The file.

        Returns:
            MinimalEpsilons: The images' minimal budgets.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not such a file.
        """
        try:
            arrays = read_arrays(path)
            columns = [arrays[name] for name in ('index', 'epsilon')]
        except (KeyError, ValueError) as error:
            raise ValueError(
                f'{path} is not a file of minimal budgets '
                f'({error.__cause__ or error})'
            ) from error
        return cls(*(torch.from_numpy(column) for column in columns))
