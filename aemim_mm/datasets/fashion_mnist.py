# Copyright (c) aemim_mm contributors. All rights reserved.
"""Get the four files of Fashion-MNIST to where mmpretrain reads them.

mmpretrain's ``FashionMNIST`` reads the unpacked files. Its own download gives
up only when the system does and trusts what is already unpacked; here each
way has a time limit and every file is held against its checksum.
"""

import gzip
import hashlib
import os
import os.path as osp
import tempfile
import zlib

from mmengine.logging import print_log

from ._fashion_mnist_sources import DEBIAN_FOLDER, DEBIAN_PACKAGE, WAYS

# SHA-256 of the unpacked files. The gzip files differ between distributors by
# the name and time in their headers, and so do their checksums.
CHECKSUMS = {
    'train-images-idx3-ubyte': 'c59f468a2f672dc815687fe0f83887768d799fd8a3f32'
    '76145d20f83aa44d888',
    'train-labels-idx1-ubyte': 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246'
    '121d8633921760443d9',
    't10k-images-idx3-ubyte': '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1db'
    'ef5c9a5cd8815ce37b',
    't10k-labels-idx1-ubyte': '0402a96d92fd2663957122ceb108a494c5af83dab82d92'
    '729df917d7dec38c34',
}


def prepare_fashion_mnist(root: str) -> str:
    """Make sure that a folder holds Fashion-MNIST, unpacked and verified.

    What is in the folder already, unpacked or gzipped, is taken. What is
    missing comes from mmpretrain's own download, else from Debian's package,
    which needs no root rights. With the result
    ``dict(type='FashionMNIST', data_root=root, split='train')`` loads offline.

    Args:
        root (str): The folder, made if needed.

    Returns:
        str: The absolute path of the folder.

    Raises:
        ValueError: If a file in the folder is not Fashion-MNIST's.
        FileNotFoundError: If files are missing and none of the ways works.
    """
    root = osp.abspath(osp.expanduser(root))
    os.makedirs(root, exist_ok=True)
    if _take(root, root):
        return root
    failures = []
    for way, fetch in WAYS.items():
        print_log(f'Fashion-MNIST: trying {way}', logger='current')
        with tempfile.TemporaryDirectory(prefix='.fetch-', dir=root) as here:
            try:
                if _take(fetch(here), root):
                    return root
                failures.append(f'{way}: files are missing')
            except (OSError, RuntimeError, ValueError) as error:
                failures.append(f'{way}: {error}')
    raise FileNotFoundError(
        f'Fashion-MNIST is not in {root} and could not be fetched:\n'
        + ''.join(f'  - {failure}\n' for failure in failures)
        + f'Put these four files into {root} and run this again:\n'
        + ''.join(
            f'  - {name}.gz (or {name}, unpacked)\n' for name in CHECKSUMS
        )
        + 'They are at https://github.com/zalandoresearch/fashion-mnist, and '
        f'in the Debian and Ubuntu package {DEBIAN_PACKAGE} under '
        f'/{DEBIAN_FOLDER}.'
    )


def _take(source: str, root: str) -> bool:
    """Verify the files in ``source`` and put those that lack into ``root``."""
    complete = True
    for name, checksum in CHECKSUMS.items():
        content = _read_raw_or_gzipped(osp.join(source, name))
        if content is None:
            complete = False
            continue
        path = osp.join(root, name)
        if hashlib.sha256(content).hexdigest() != checksum:
            raise ValueError(
                f'{osp.join(source, name)}[.gz] is not the file of this name '
                'in Fashion-MNIST: its checksum differs. Remove it, or choose '
                'another folder (MNIST has files of the same names).'
            )
        if not osp.isfile(path):
            part = f'{path}.{os.getpid()}.part'
            with open(part, 'wb') as file:
                file.write(content)
            os.replace(part, path)
    return complete


def _read_raw_or_gzipped(path: str) -> bytes | None:
    """The content of a file, unpacked or gzipped; None if there is none."""
    if osp.isfile(path):
        with open(path, 'rb') as file:
            return file.read()
    if not osp.isfile(f'{path}.gz'):
        return None
    try:
        with gzip.open(f'{path}.gz', 'rb') as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f'{path}.gz is broken ({error}). Remove it.'
        ) from error
