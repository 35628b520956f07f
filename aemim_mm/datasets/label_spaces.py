# Copyright (c) aemim_mm contributors. All rights reserved.
"""ImageNet-1K's class indices, and its subsets of ImageNet-A and -R.

The index of a class is the rank of its WordNet id among the 1000 sorted ids.
It is neither the devkit's id (1 to 1000, another order) nor the position of
a folder in a tree that holds some of the classes.
"""

from functools import cache
from importlib import resources

from ..utils.storage import read_text

# Of the lists of 200 classes, by the name of the data set.
_SUBSETS = {
    'imagenet-a': 'imagenet_a_indices.txt',
    'imagenet-r': 'imagenet_r_indices.txt',
}


@cache
def imagenet_synsets() -> tuple[str, ...]:
    """The 1000 WordNet ids of ImageNet-1K, by class index.

    Returns:
        tuple[str, ...]: ``('n01440764', ...)``.
    """
    return tuple(read_timm_list('imagenet_synsets.txt').split())


@cache
def synset_to_index() -> dict[str, int]:
    """The class index in ImageNet-1K of every WordNet id.

    Returns:
        dict[str, int]: ``{'n01440764': 0, ...}``. Do not change it.
    """
    return {synset: i for i, synset in enumerate(imagenet_synsets())}


@cache
def subset_indices(name: str) -> tuple[int, ...]:
    """The classes of ImageNet-1K that a data set has images of.

    Args:
        name (str): 'imagenet-a' or 'imagenet-r'.

    Returns:
        tuple[int, ...]: 200 class indices in ImageNet-1K, ascending.
    """
    return tuple(int(word) for word in read_timm_list(_SUBSETS[name]).split())


def read_timm_list(name: str) -> str:
    """The content of a table that timm ships.

    Args:
        name (str): File name in the folder of timm's tables.

    Returns:
        str: The content.
    """
    path = resources.files('timm.data') / '_info' / name
    return path.read_text(encoding='utf-8')


def read_class_file(path: str) -> list[str]:
    """Read another label space: one folder name per line, in label order.

    Args:
        path (str): The file. Spaces at the ends of a line do not count, and
            neither do empty lines at the end.

    Returns:
        list[str]: The folder names; their positions are the labels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a name is empty, doubled or no name of a folder.
    """
    names = [line.strip() for line in read_text(path).rstrip().splitlines()]
    if not names:
        raise ValueError(f'{path} is empty; it needs a folder name per line')
    for number, name in enumerate(names, 1):
        if not name or '/' in name or name.startswith('.'):
            raise ValueError(
                f'{path}, line {number}: {name!r} is not the name of a class '
                'folder. Write one folder name per line, in the order of the '
                "model's classes"
            )
    for number, name in enumerate(names, 1):
        if names.index(name) != number - 1:
            raise ValueError(
                f'{path}, line {number}: {name!r} is also on line '
                f'{names.index(name) + 1}, but can have only one label'
            )
    return names
