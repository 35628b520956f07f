# Copyright (c) aemim_mm contributors. All rights reserved.
"""Files that are either whole or not there."""

import contextlib
import io
import json
import os
import shutil
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from mmengine.fileio import LocalBackend, register_backend
from numpy.typing import NDArray

# A write in progress carries it; after a kill it marks what to clear away.
PARTIAL_SUFFIX = '.partial'


# `force`, so that re-importing the module is harmless.
@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """Local storage that replaces a file in one step.

    The bytes go to a temporary file in the folder of the target, are flushed
    to the disk, and take the target's name by a rename. A reader, and whoever
    comes after a crash, finds the old file or the new one, never a part.

    Use it wherever mmengine takes ``backend_args``, as
    ``backend_args=dict(backend='atomic')``.
    """

    def put(self, obj: bytes, filepath: str | PathLike) -> None:
        """Write bytes; create the folder if need be.

        OSError if they cannot be written, for example on a full disk. The
        previous file is then untouched.
        """
        path = Path(fspath(filepath))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(
            f'{path.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}'
        )
        try:
            with open(partial, 'xb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def put_text(
        self, obj: str, filepath: str | PathLike, encoding: str = 'utf-8'
    ) -> None:
        """Write text; create the folder if need be. OSError as :meth:`put`."""
        self.put(obj.encode(encoding), filepath)


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems do not sync folders.
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def check_writable(file: str | PathLike) -> None:
    """Make sure that a file can be written, before what it is for is done.

    It need not exist; folders that are not there yet are not created. OSError
    if it is a folder, if a part of its path is a file, or if nothing can be
    written there.
    """
    path = Path(fspath(file)).absolute()
    if path.is_dir():
        raise IsADirectoryError(f'{file} is a folder: give the name of a file')
    if path.exists() and not path.is_file():
        raise OSError(f'{file} is no ordinary file: give another name')
    there = next(part for part in path.parents if os.path.lexists(part))
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise type(error)(
            f'{file} cannot be written: {error.strerror} ({there})'
        ) from error


def read_text(file: str | PathLike) -> str:
    """Read a text that a user wrote, without a byte order mark.

    OSError if it cannot be opened, ValueError if it is no UTF-8.
    """
    try:
        return Path(fspath(file)).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'{file} is no text in UTF-8: {error}') from error


def put_json(content: Any, file: str | PathLike) -> None:
    """Write JSON, without NaN and infinity, in one step.

    OSError if it cannot be written. A previous file is then untouched.
    """
    text = json.dumps(content, indent=2, allow_nan=False)
    AtomicLocalBackend().put_text(f'{text}\n', file)


def put_arrays(
    arrays: Mapping[str, NDArray[Any]], file: str | PathLike
) -> None:
    """Write arrays by name into an ``.npz`` file in one step.

    OSError if it cannot be written. A previous file is then untouched.
    """
    buffer = io.BytesIO()
    # Its stub takes any keyword for the flag `allow_pickle`.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    AtomicLocalBackend().put(buffer.getvalue(), file)


def read_arrays(file: str | PathLike) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file, by name.

    OSError if it cannot be opened, ValueError if it is no such file, or a
    damaged one.
    """
    try:
        with np.load(file) as arrays:
            return dict(arrays)
    except (
        TypeError,  # an array alone
        RuntimeError,  # a damaged flag: encrypted, or of another version
        *(EOFError, ValueError, zipfile.BadZipFile, zlib.error),
    ) as error:
        raise ValueError(f'{file} holds no arrays ({error})') from error


def save_figure(figure: Figure, file: str | PathLike) -> None:
    """Write a figure in one step; the ending of the file chooses the format.

    OSError if it cannot be written: a previous file is then untouched.
    ValueError if the ending is none of a picture.
    """
    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format=Path(fspath(file)).suffix[1:] or 'png')
    except ValueError as error:
        raise ValueError(f'{file} cannot be written: {error}') from error
    AtomicLocalBackend().put(buffer.getvalue(), file)


def remove_partial(folder: str | PathLike) -> list[str]:
    """Clear away what killed writes left in a folder, which need not exist.

    Sorted names of the removed files and folders.
    """
    left = sorted(Path(fspath(folder)).glob(f'*{PARTIAL_SUFFIX}'))
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return [path.name for path in left]
