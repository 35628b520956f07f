# Copyright (c) aemim_mm contributors. All rights reserved.
"""The data sets of a run: found, counted and told apart before it starts."""

import hashlib
import os.path as osp
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aemim_mm_cli.imagenet_variants import variant_info

from ..datasets import ImageNetVariant

# How many of many problems a message shows.
_MOST_PROBLEMS = 8


@dataclass(frozen=True)
class ImageSource:
    """A tree of class folders, or the images of a list in it.

    Attributes:
        name (str): Its name in the results, such as 'v2' or 'c/fog/3'.
        variant (str): Short name of the data set that it is (part) of.
        root (str): The folder of the class folders.
        ann_file (str): List of the images to take. Defaults to ''.
        class_file (str, optional): File of another label space than
            ImageNet-1K's. Defaults to None.
    """

    name: str
    variant: str
    root: str
    ann_file: str = ''
    class_file: str | None = None

    def dataset(self, **kwargs) -> ImageNetVariant:
        """The data set.

        Args:
            **kwargs: Other keyword arguments of :class:`ImageNetVariant`.

        Returns:
            ImageNetVariant: The data set.
        """
        return ImageNetVariant(
            data_root=self.root,
            ann_file=self.ann_file,
            class_file=self.class_file,
            **kwargs,
        )


@dataclass(frozen=True)
class Survey:
    """What lies in the folder of a source.

    Attributes:
        folder (str): Its absolute path.
        images (int): Number of images.
        classes (int): Number of classes that have images.
        complete (bool): Whether there are as many as in the original, or
            images of all classes of another label space, as far as that is
            known.
        sha256 (str): Checksum of the images' relative paths and labels, in
            the order of the data set. It tells what was measured, not what
            the pictures show.
    """

    folder: str
    images: int
    classes: int
    complete: bool
    sha256: str


def survey_sources(
    sources: Iterable[ImageSource], strict: bool = False
) -> dict[str, Survey]:
    """Look at all data sets before anything is computed.

    Args:
        sources (Iterable[ImageSource]): The data sets.
        strict (bool): Whether fewer images or classes than the original has
            are an error, not a warning. Defaults to False.

    Returns:
        dict[str, Survey]: By the sources' names.

    Raises:
        FileNotFoundError: If folders or listed images are missing. The
            message has all of them, and where to get the data.
        ValueError: If a folder has no images or classes that are not known,
            or with ``strict`` another number.
    """
    sources = list(sources)
    problems = _missing_folders(sources)
    if problems:
        raise FileNotFoundError(_joined(problems))
    surveys, kind = {}, ValueError
    for source in sources:
        try:
            surveys[source.name] = _survey(source, strict)
        except (FileNotFoundError, ValueError) as error:
            problems.append(str(error))
            if isinstance(error, FileNotFoundError):
                kind = FileNotFoundError
    if problems:
        raise kind(_joined(problems))
    return surveys


def image_names(source: ImageSource) -> list[str]:
    """The relative paths of a source's images.

    Args:
        source (ImageSource): The data set.

    Returns:
        list[str]: In the order of the data set.
    """
    infos = source.dataset(lazy_init=True).load_data_list()
    return [name for name, _ in _relative(source, infos)]


def _survey(source: ImageSource, strict: bool) -> Survey:
    # Loading the list neither keeps it nor opens an image.
    dataset = source.dataset(
        variant=source.variant, strict=strict, lazy_init=True
    )
    samples = _relative(source, dataset.load_data_list())
    digest = hashlib.sha256()
    for name, label in samples:
        # A name may be no UTF-8.
        line = f'{name} {label}\n'
        digest.update(line.encode(errors='surrogateescape'))
    return Survey(
        folder=osp.abspath(source.root),
        images=dataset.num_found,
        classes=dataset.num_classes_found,
        complete=dataset.complete,
        sha256=digest.hexdigest(),
    )


def _relative(
    source: ImageSource, infos: Iterable[Mapping]
) -> list[tuple[str, int]]:
    start = len(osp.join(osp.normpath(source.root), ''))
    return [(info['img_path'][start:], info['gt_label']) for info in infos]


def _missing_folders(sources: list[ImageSource]) -> list[str]:
    missing = defaultdict(list)
    for source in sources:
        if not osp.isdir(source.root):
            missing[source.variant].append(source)
    problems = []
    for variant, lacking in missing.items():
        info = variant_info(variant)
        # The validation images are two sources where there is a list.
        folders = list(dict.fromkeys(source.root for source in lacking))
        if len(folders) > _MOST_PROBLEMS:
            # ImageNet-C as a whole, most likely.
            rest = len(folders) - _MOST_PROBLEMS
            folders = [*folders[:_MOST_PROBLEMS], f'and {rest} more']
        problems.append(
            f'{info.title}: there is no folder {", ".join(folders)}. It is at '
            f'{info.origin}'
        )
    return problems


def _joined(problems: list[str]) -> str:
    rest = len(problems) - _MOST_PROBLEMS
    more = [f'and {rest} more problems like these'] if rest > 0 else []
    return '\n'.join([*problems[:_MOST_PROBLEMS], *more])
