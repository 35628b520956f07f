# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the export asks of a library."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from .architecture import Architecture
from .export_file import save_export
from .source import Source


class Library(ABC):
    """One checkpoint, as one library has it.

    ValueError if the library has no such network.

    ``compared`` says which of the outputs of all blocks, or stages, the
    library's model gives; ``maps`` whether it gives those of a ViT as maps.
    """

    compared: ClassVar[slice] = slice(None)
    maps: ClassVar[bool] = False

    def __init__(self, source: Source, architecture: Architecture) -> None:
        self.source = source
        self.architecture = architecture

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """The tensors as the library names and orders them."""

    @abstractmethod
    def load_code(self, out: str) -> str:
        """The line of Python or of a config by which a file is loaded."""

    def save(
        self, path: Path, weights: dict[str, Tensor], meta: dict[str, Any]
    ) -> None:
        """Write what the library opens: a file, or a folder."""
        save_export(path, weights, meta)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images to compare on."""
        return self.architecture.img_size

    @abstractmethod
    def outputs(self, path: Path, images: Tensor) -> dict[str, list[Tensor]]:
        """What the library's model computes, having loaded a file.

        Of normalised images (B, C, H, W) ``features``, and ``logits`` if the
        file has a classifier; maps are (B, C, H, W). ValueError if the library
        is not installed, or its model does not take every tensor of the file.
        """
