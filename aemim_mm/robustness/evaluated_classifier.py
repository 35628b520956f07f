# Copyright (c) aemim_mm contributors. All rights reserved.
"""The classifier of a run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..evaluation import PixelClassifier


@dataclass(frozen=True)
class EvaluatedClassifier:
    """The classifier that is evaluated.

    Attributes:
        name (str): For tables: the config's or timm's name.
        model (PixelClassifier): Maps images in [0, 1] to logits.
        input_size (int): Width and height of its images in pixels.
        checkpoint (str, optional): Where its weights are from; None for
            timm's own.
        description (str): The architecture, as text.
        head (dict, optional): What was put on a frozen encoder, for the
            results. Defaults to None.
        classes (Sequence[str]): Names of its classes, as its checkpoint has
            them; empty if it does not say. Defaults to ().
    """

    name: str
    model: PixelClassifier
    input_size: int
    checkpoint: str | None
    description: str
    head: dict[str, Any] | None = None
    classes: Sequence[str] = ()

    @property
    def channels(self) -> int:
        """Number of channels of its images."""
        return len(self.model.mean)

    def num_classes(self) -> int:
        """Classify an empty image.

        Returns:
            int: Number of logits.

        Raises:
            ValueError: If it does not take images of this size.
        """
        shape = (1, self.channels, self.input_size, self.input_size)
        image = torch.zeros(shape, device=self.model.mean.device)
        try:
            with torch.no_grad():
                return self.model(image).shape[1]
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f'{self.name} does not take images of shape {shape[1:]} '
                f'({error}). Is --input-size right?'
            ) from error

    def sha256(self) -> str:
        """Tell the model from all others.

        Returns:
            str: Checksum of its weights, architecture and normalisation.
        """
        digest = hashlib.sha256(self.description.encode())
        digest.update(f'bgr {self.model.bgr}'.encode())
        tensors = dict(
            self.model.model.state_dict(),
            _mean=self.model.mean,
            _std=self.model.std,
        )
        for key, value in sorted(tensors.items()):
            digest.update(f'{key} {value.dtype} {tuple(value.shape)}'.encode())
            value = value.detach().cpu().contiguous().reshape(-1)
            digest.update(value.view(torch.uint8).numpy())
        return digest.hexdigest()
