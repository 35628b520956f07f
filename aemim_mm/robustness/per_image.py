# Copyright (c) aemim_mm contributors. All rights reserved.
"""The results of single images that lie beside a results.json."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from ..checkpoints.content import content_hash
from ..utils.storage import read_arrays


@dataclass(frozen=True)
class PerImageResults:
    """What became of every image of one cell.

    Attributes:
        images (str): Checksum of the images' names and labels.
        correct (np.ndarray): (N, ), int8, in the order of the data set: 1
            where the classifier is right, 0 where it is wrong, -1 where the
            image does not count.
    """

    images: str
    correct: np.ndarray

    def same_images(self, other: 'PerImageResults') -> bool:
        """Whether two cells are about the same images in the same order.

        Args:
            other (PerImageResults): The other cell.

        Returns:
            bool: Whether they are.
        """
        return self.images == other.images and bool(
            np.array_equal(self.correct < 0, other.correct < 0)
        )


def file_of_run(results: Mapping, path: Path) -> Path | None:
    """The file that a run has written beside its results.json.

    Args:
        results (Mapping): Content of the results.json.
        path (Path): Where the file is to be.

    Returns:
        Path | None: The file. None if there is none, and, with a warning, if
        another run has written it. An older results.json has no checksums:
        any file fits it.
    """
    if not path.is_file():
        return None
    sha256 = results.get('per_image', {}).get('sha256', {}).get(path.name)
    if sha256 is not None and sha256 != content_hash(str(path)):
        print_log(
            f'{path} is not used: it is of another run than the results. '
            'Give every run a folder of its own',
            logger='current',
            level=logging.WARNING,
        )
        return None
    return path


def read_per_image(
    results: Mapping, folder: Path
) -> dict[str, PerImageResults]:
    """Read what the results say of single images.

    Args:
        results (Mapping): Content of a results.json.
        folder (Path): Its folder.

    Returns:
        dict[str, PerImageResults]: By the cells' names, such as 'v2', 'fgsm/2'
        or 'c/fog/3'. Empty if the results name no such file, or it is not
        there, or is of another run.

    Raises:
        ValueError: If it is no file of arrays.
    """
    entry = results.get('per_image')
    if entry is None:
        return {}
    path = file_of_run(results, folder / entry['file'])
    if path is None:
        return {}
    try:
        correct = read_arrays(path)
    except ValueError as error:
        raise ValueError(
            f'{path} does not hold the results of single images '
            f'({error.__cause__}). Move it away to compare without them'
        ) from error
    sources = results['data']
    return {
        name: PerImageResults(sources[entry['data'][name]]['sha256'], values)
        for name, values in correct.items()
    }
