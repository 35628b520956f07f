# Copyright (c) aemim_mm contributors. All rights reserved.
"""The weights that a run starts from, by one name."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from mmengine.logging import print_log

from ..checkpoints import read_checkpoint
from ..checkpoints.content import content_hash, local_file
from ..checkpoints.foreign import KINDS, foreign_kind, unwrapped
from ..importing import import_checkpoint
from ..importing.foreign_file import TIMM_NAME, weights_in
from ..utils.folder_lock import folder_lock
from ..version import __version__

PREFIX = 'backbone.'


def initial_weights(value: str) -> str:
    """A checkpoint in mmpretrain's keys.

    Weights of another library are imported, once by each version of this
    package, into the folder ``aemim_imported`` of torch.hub's. Of the
    processes of a run one downloads and imports, and the others wait for it.

    Args:
        value (str): A checkpoint of a run or an exported encoder, with keys
            ``backbone.*``: given back as it is. Or what
            :func:`aemim_mm.importing.import_checkpoint` takes: a file or
            folder of another library, or ``timm:NAME``, which timm downloads.
            Files may be named by a URL.

    Returns:
        str: Its path or URL.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is damaged, cannot be downloaded, or is neither a
            ViT nor a Swin Transformer.
    """
    try:
        return _initial_weights(value)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'init: {error} A model of timm is named {TIMM_NAME}NAME'
        ) from error
    except (RuntimeError, ValueError) as error:
        raise ValueError(f'init: {error}') from error


def _initial_weights(value: str) -> str:
    folder = Path(torch.hub.get_dir()) / 'aemim_imported'
    file = value
    if value.startswith(TIMM_NAME):
        kind, name = 'timm', value.removeprefix(TIMM_NAME)
    else:
        if Path(value).expanduser().is_dir():
            file = str(weights_in(Path(value).expanduser()))
        remote = '://' in file and local_file(file) is None
        with _alone(folder) if remote else nullcontext():
            content = read_checkpoint(file, 'cpu')
        if any(key.startswith(PREFIX) for key in unwrapped(content)):
            return value
        kind = foreign_kind(content) or 'mmpretrain'
        # That of a URL is in torch.hub's cache now.
        path = local_file(file) or Path(file)
        file, name = str(path), f'{path.stem}-{content_hash(file):.12}'
    # Another version may import in another way.
    out = folder / f'{name}-{__version__}.safetensors'
    if not out.is_file():
        with _alone(folder):
            if not out.is_file():
                import_checkpoint(file, out, kind, force=True)
    print_log(f'init: {value}, from {KINDS[kind]}, imported as {out}')
    return str(out)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process after another: there is no process group yet."""
    folder.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder):
        yield
