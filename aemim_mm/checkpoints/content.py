# Copyright (c) aemim_mm contributors. All rights reserved.
"""Whether two names stand for the same weights."""

import hashlib
from pathlib import Path
from urllib.parse import urlparse

import torch


def local_file(file: str) -> Path | None:
    """Where the content of a checkpoint is on this machine, None if nowhere.

    The file of a path, or that of a URL in torch.hub's cache.
    """
    path = Path(file).expanduser()
    if '://' in file:
        name = Path(urlparse(file).path).name
        path = Path(torch.hub.get_dir()) / 'checkpoints' / name
    return path if path.is_file() else None


def content_hash(file: str) -> str | None:
    """SHA-256 of a checkpoint, by path or URL as :func:`local_file`.

    None if there is no such file.
    """
    path = local_file(file)
    if path is None:
        return None
    with path.open('rb') as opened:
        return hashlib.file_digest(opened, 'sha256').hexdigest()
