# Copyright (c) aemim_mm contributors. All rights reserved.
"""The 5000 validation images on which ARES-Bench attacks classifiers."""

import hashlib
import os.path as osp
import zipfile
from importlib import metadata

from .label_spaces import synset_to_index

CHECKSUM = 'd4121626d07722a0126c35b1563042e46a546f1a05ce705f2cdc635896d58574'
# ARES-Bench and RobustBench publish the same file.
MEMBER = 'robustbench/helper_files/imagenet_test_image_ids.txt'
HOW_TO_GET = (
    'Get the list with `pip download --no-deps robustbench==1.1.1` and give '
    'the wheel, or give data/imagenet_test_image_ids.txt of '
    'https://github.com/thu-ml/adversarial_training_imagenet'
)


def read_ares_ids(path: str | None = None) -> list[str]:
    """Read the published list, and make sure that it is that one.

    Args:
        path (str, optional): The text file, or a wheel of robustbench that
            holds it. None means an installed robustbench, which is not
            imported. Defaults to None.

    Returns:
        list[str]: 5000 paths ``<WordNet id>/<file name>``.

    Raises:
        FileNotFoundError: If there is no such file, or no robustbench.
        ValueError: If its checksum is another one.
    """
    if path is None:
        path = _installed()
    if not osp.isfile(path):
        raise FileNotFoundError(f'there is no file {path}. {HOW_TO_GET}')
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            if MEMBER not in wheel.namelist():
                raise ValueError(f'{path} has no {MEMBER}. {HOW_TO_GET}')
            content = wheel.read(MEMBER)
    else:
        with open(path, 'rb') as file:
            content = file.read()
    found = hashlib.sha256(content).hexdigest()
    if found != CHECKSUM:
        raise ValueError(
            f'{path} is not the published list: its SHA-256 is {found} '
            f'instead of {CHECKSUM}. A changed line ending is enough. '
            f'{HOW_TO_GET}'
        )
    return content.decode('ascii').split()


def annotate(ids: list[str]) -> list[str]:
    """Add the labels to paths of validation images.

    Args:
        ids (list[str]): Paths ``<WordNet id>/<file name>``.

    Returns:
        list[str]: Lines ``path label`` of an annotation file. A label is the
        rank of the WordNet id among the 1000 of ImageNet-1K.
    """
    ranks = synset_to_index()
    return [f'{name} {ranks[name.split("/")[0]]}' for name in ids]


def _installed() -> str:
    try:
        files = metadata.files('robustbench') or []
    except metadata.PackageNotFoundError as error:
        raise FileNotFoundError(
            f'robustbench is not installed. {HOW_TO_GET}'
        ) from error
    for file in files:
        if file.as_posix() == MEMBER:
            return str(file.locate())
    raise FileNotFoundError(
        f'the installed robustbench has no {MEMBER}. {HOW_TO_GET}'
    )
