# Copyright (c) aemim_mm contributors. All rights reserved.
"""Every road by which mmengine loads a checkpoint, led to the safe loader.

``init_cfg=dict(type='Pretrained')``, ``load_from`` and ``--resume`` all ask
:class:`mmengine.runner.CheckpointLoader` for the function that belongs to the
prefix of the path. :func:`use_safe_loader` replaces these functions; mmengine
itself is not patched. Code of ours reads by :func:`read_checkpoint`, which
does not need the replacement.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log
from mmengine.runner import (
    CheckpointLoader,
    get_deprecated_model_names,
    get_external_models,
    get_torchvision_models,
)

from .safe_file import load_checkpoint_file

# The keys under which mmengine files its own loaders.
_HTTP = ('http://', 'https://')
_TORCHVISION = ('modelzoo://', 'torchvision://')
_OPENMMLAB = ('open-mmlab://', 'openmmlab://')
_REFUSED = (r'(\S+\:)?s3://', r'(\S+\:)?petrel://', 'pavi://', 'mmcls://')


# mmengine logs the names from their 11th character on: `load_from_` + road.
def load_from_local(filename: str, map_location: Any = None) -> dict:
    """Load a local file by the safe loader.

    mmengine executes ``meta['config']``, a field of its predecessor's files,
    as Python code when it resumes. The field is dropped.
    """
    checkpoint = load_checkpoint_file(filename, map_location)
    meta = checkpoint.get('meta')
    if isinstance(meta, dict) and meta.pop('config', None) is not None:
        print_log(
            f'{filename}: meta["config"] is dropped, it would be executed as '
            'Python code on resume',
            logger='current',
        )
    return checkpoint


def load_from_http(filename: str, map_location: Any = None) -> dict:
    """Download once into torch.hub's cache, then load by the safe loader.

    The main process downloads first. A process on another machine, which does
    not see the file then, downloads its own copy.
    """
    name = Path(urlparse(filename).path).name
    cached = Path(torch.hub.get_dir()) / 'checkpoints' / name
    if not name:
        raise ValueError(f'The URL {filename!r} does not name a file.')
    if is_main_process():
        _download(filename, cached)
    barrier()
    _download(filename, cached)
    return load_from_local(str(cached), map_location)


def _download(url: str, cached: Path) -> None:
    if cached.is_file():
        return
    cached.parent.mkdir(parents=True, exist_ok=True)
    # torch writes to a temporary file and moves it when it is complete.
    torch.hub.download_url_to_file(
        url, str(cached), progress=os.isatty(0) and is_main_process()
    )


def load_from_torchvision(filename: str, map_location: Any = None) -> dict:
    """Load ``torchvision://NAME`` from torchvision's URL for it."""
    return _load_named(filename, get_torchvision_models(), map_location)


def load_from_openmmlab(filename: str, map_location: Any = None) -> dict:
    """Load ``open-mmlab://NAME`` from OpenMMLab's URL for it."""
    prefix, _, name = filename.partition('://')
    name = get_deprecated_model_names().get(name, name)
    return _load_named(
        f'{prefix}://{name}', get_external_models(), map_location
    )


def _load_named(filename: str, urls: dict, map_location: Any) -> dict:
    url = urls.get(filename.partition('://')[2])
    if url is None or not url.startswith(_HTTP):
        raise ValueError(
            f'{filename} does not stand for a URL. Give the path or the URL '
            'of the checkpoint itself.'
        )
    return load_from_http(url, map_location)


def load_from_unsupported(filename: str, map_location: Any = None) -> dict:
    """Refuse a road whose loader in mmengine would execute the file."""
    raise ValueError(
        f'{filename} is refused: aemim_mm loads checkpoints from local paths, '
        'http(s), torchvision:// and open-mmlab://. Download the file and '
        'give its local path.'
    )


def use_safe_loader() -> None:
    """Make mmengine load every checkpoint of this process by our loaders.

    It acts on all code in the process that loads through mmengine. Calling
    it again changes nothing. The tools and ``CheckpointFitHook`` call it;
    ``import aemim_mm`` does not.
    """
    for prefixes, loader in (
        (('',), load_from_local),
        (_HTTP, load_from_http),
        (_TORCHVISION, load_from_torchvision),
        (_OPENMMLAB, load_from_openmmlab),
        (_REFUSED, load_from_unsupported),
    ):
        CheckpointLoader.register_scheme(prefixes, loader, force=True)


@contextmanager
def safe_loading() -> Iterator[None]:
    """Let mmengine load by our loaders within a block, and leave no trace."""
    before = dict(CheckpointLoader._schemes)
    use_safe_loader()
    try:
        yield
    finally:
        CheckpointLoader._schemes = before


def read_checkpoint(
    filename: str | PathLike, map_location: Any = None
) -> dict:
    """Read a checkpoint from wherever mmengine can, without executing it.

    A path, a URL, or a name with a prefix. Whether :func:`use_safe_loader` was
    called makes no difference.
    """
    with safe_loading():
        return CheckpointLoader.load_checkpoint(fspath(filename), map_location)
