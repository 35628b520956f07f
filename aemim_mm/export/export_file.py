# Copyright (c) aemim_mm contributors. All rights reserved.
"""Writing an exported file, and reading one."""

import io
import json
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ..checkpoints.safe_file import load_checkpoint_file
from ..utils.storage import AtomicLocalBackend, check_writable

SUFFIXES = ('.pth', '.safetensors')


def is_folder(out: str | PathLike) -> bool:
    """Whether a name asks for a folder: ``DIR/``, a folder, or no suffix."""
    path = Path(fspath(out)).expanduser()
    return fspath(out).endswith('/') or path.is_dir() or not path.suffix


def check_out(
    out: str | PathLike,
    checkpoint: str | PathLike,
    force: bool,
    folder: bool = False,
) -> Path:
    """Refuse a name under which nothing should be written.

    ``folder`` says whether it may be a folder, ``force`` whether a file, or
    files in the folder, are replaced. ``~`` is expanded in the path that is
    returned. ValueError if the suffix is wrong, the file is there, the folder
    is not empty, or it is the checkpoint itself; FileNotFoundError if its
    folder is not there.
    """
    path = Path(fspath(out)).expanduser()
    folder = folder and is_folder(out)
    if not folder and path.suffix not in SUFFIXES:
        raise ValueError(
            f'{path} has the suffix {path.suffix!r}; it must be one of '
            f'{", ".join(SUFFIXES)}, which chooses the format'
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f'the folder {path.parent} of {path.name} does not exist; create '
            'it first'
        )
    if path.is_dir() and not folder:
        raise ValueError(f'{path} is a folder; give the name of a file')
    if folder and path.exists() and not path.is_dir():
        raise ValueError(f'{path} is a file; give the name of a folder')
    if path.exists():
        original = Path(fspath(checkpoint)).expanduser()
        if original.exists() and path.samefile(original):
            raise ValueError(
                f'{path} is the checkpoint itself; give another name'
            )
        if not force and not (folder and not any(path.iterdir())):
            raise ValueError(
                f'{path} exists; pass --force to replace it, or give another '
                'name'
            )
    if not path.is_dir():
        check_writable(path)
    return path


def save_export(
    path: Path, weights: dict[str, Tensor], meta: dict[str, Any]
) -> None:
    """Write weights and metadata; in one step, so that a former file stays.

    ``.pth`` gets ``dict(state_dict=..., meta=...)``; ``.safetensors`` the
    tensors, and each entry of the metadata as a string, JSON where it is not
    one. The metadata have plain types. OSError if it cannot be written, for
    example on a full disk.
    """
    # as safetensors wants it
    weights = {key: value.contiguous() for key, value in weights.items()}
    if path.suffix == '.pth':
        buffer = io.BytesIO()
        torch.save(dict(state_dict=weights, meta=meta), buffer)
        AtomicLocalBackend().put(buffer.getvalue(), path)
        return
    strings = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in meta.items()
    }
    # timm, transformers and others look for `format`.
    strings['format'] = 'pt'
    AtomicLocalBackend().put(save(weights, metadata=strings), path)


def load_export(
    path: str | PathLike,
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read an exported file.

    Args:
        path (str or PathLike): The file.

    Returns:
        tuple[dict[str, Tensor], dict[str, Any]]: Weights and metadata.
    """
    loaded = load_checkpoint_file(path)
    meta = {
        key: json.loads(value)
        if isinstance(value, str) and value[:1] in ('{', '[')
        else value
        for key, value in loaded['meta'].items()
    }
    return loaded['state_dict'], meta
