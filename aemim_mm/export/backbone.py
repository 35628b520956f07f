# Copyright (c) aemim_mm contributors. All rights reserved.
"""From a checkpoint to a file for another library, in one call."""

import os
import tempfile
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from aemim_mm_cli.choices import LIMIT

from .architecture import Architecture, find_architecture
from .comparison import compare
from .export_file import check_out, is_folder
from .metadata import describe
from .source import Source, read_source
from .targets import in_library


@dataclass(frozen=True)
class Export:
    """What was written.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Of its encoder.
        num_tensors (int): How many tensors the file has.
        load (str): The code that loads it.
        differences (dict[str, float]): The largest absolute difference in
            what was compared; empty without a check.
        meta (dict[str, Any]): The metadata.
    """

    source: Source
    architecture: Architecture
    num_tensors: int
    load: str
    differences: dict[str, float]
    meta: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether no difference is above the limit; NaN is."""
        return all(value <= LIMIT for value in self.differences.values())


def export_backbone(
    checkpoint: str | PathLike,
    out: str | PathLike,
    target: str,
    config: str | PathLike | None = None,
    dtype: torch.dtype | None = None,
    check: bool = False,
    force: bool = False,
    license: str | None = None,
) -> Export:
    """Write the clean encoder of a checkpoint for another library.

    Args:
        checkpoint (str or PathLike): Of pre-training (AEMIM, MAE, SimMIM) or
            of a classifier fine-tuned from it.
        out (str or PathLike): The file, ``.pth`` or ``.safetensors``; for
            timm also a folder, which ends with ``/`` or has no suffix. It
            appears when it is complete, and with ``check`` only if the
            check passes.
        target (str): ``'mmpretrain'``, ``'mmdet'`` or ``'timm'``.
        config (str or PathLike, optional): The config of the run, where the
            checkpoint holds none. Defaults to None.
        dtype (torch.dtype, optional): Of floating-point tensors. Defaults to
            None, that of the checkpoint.
        check (bool): Whether to compare the model that loads the file with
            the source on random images. Defaults to False.
        force (bool): Whether to replace ``out``. Defaults to False.
        license (str, optional): Of the weights, such as ``'apache-2.0'``.
            Defaults to None: that of what they have started from, or
            ``'unknown'``.

    Returns:
        Export: What was written; if not ``passed``, nothing was.

    Raises:
        FileNotFoundError: If a file or the folder of ``out`` is not there.
        ValueError: If the checkpoint or an argument cannot be used.
    """
    folder = target == 'timm' and is_folder(out)
    path = check_out(out, checkpoint, force, folder)
    source = read_source(checkpoint, config).to(dtype)
    architecture = find_architecture(source)
    library = in_library(source, architecture, target, folder)
    weights = library.weights()
    # The file moves; the code in it names the file alone.
    load = library.load_code(path.name)
    meta = describe(source, architecture, target, load, license)
    differences: dict[str, float] = {}
    # Beside the target, so that it takes its name in one step.
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix='.export_'
    ) as scratch:
        written = Path(scratch) / path.name
        library.save(written, weights, meta)
        if check:
            differences = compare(source, architecture, target, written)
        load = library.load_code(str(path))
        export = Export(
            source, architecture, len(weights), load, differences, meta
        )
        if export.passed and folder:
            path.mkdir(exist_ok=True)
            for file in written.iterdir():
                os.replace(file, path / file.name)
        elif export.passed:
            os.replace(written, path)
    return export
