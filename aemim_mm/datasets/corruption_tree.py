# Copyright (c) aemim_mm contributors. All rights reserved.
"""Write an ImageNet-C-like tree of corrupted pictures."""

import hashlib
import json
import os
import os.path as osp
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import CenterCrop, Compose, Resize
from tqdm import tqdm

from ..utils.storage import put_json
from .class_folders import scan_class_folders
from .corrupt_image import corrupt_image, corruption_seed

SETTINGS_FILE = 'corruptions.json'


@dataclass(frozen=True)
class TreeSettings:
    """What the pictures of a tree have in common.

    Attributes:
        size (int, optional): Width and height in pixels: the short side is
            resized to 256 / 224 of it (bilinear) and the centre cropped, as
            for ImageNet-C. None keeps pictures as they are. Defaults to 224.
        quality (int): Of the JPEG files. Defaults to 85, ImageNet-C's.
        seed (int): Another seed gives other noise. Defaults to 0.
    """

    size: int | None = 224
    quality: int = 85
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ValueError(f'size is {self.size}; it must be at least 1')
        if not 1 <= self.quality <= 95:
            raise ValueError(f'quality is {self.quality}; it must be 1 to 95')


class CorruptionJobs(Dataset):
    """One item per picture: to write what it lacks of its corrupted forms.

    As a data set, it is worked off by the workers of a ``DataLoader``.

    Args:
        source (str): Folder of the class folders.
        out (str): Folder of the tree.
        cells (Sequence[tuple[str, int]]): Corruptions with severities.
        settings (TreeSettings): What the pictures have in common.
        per_class (int, optional): So many pictures of each class, the first
            by name. None means all. Defaults to None.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If there are no pictures, two of a class would get the
            same name, or both folders are the same.
    """

    def __init__(
        self,
        source: str,
        out: str,
        cells: Sequence[tuple[str, int]],
        settings: TreeSettings,
        per_class: int | None = None,
    ) -> None:
        if osp.realpath(out) == osp.realpath(source):
            raise ValueError(f'{out} holds the pictures; name another folder')
        self.source = source
        self.out = out
        self.cells = list(cells)
        self.settings = settings
        self.images = [
            f'{folder}/{name}'
            for folder, names in scan_class_folders(source).items()
            for name in names[:per_class]
        ]
        if not self.images:
            raise ValueError(
                f'{source} holds no class folders with pictures '
                '(.jpg, .jpeg or .png)'
            )
        targets = {}
        for image in self.images:
            other = targets.setdefault(target_name(image), image)
            if other != image:
                raise ValueError(
                    f'{other} and {image} in {source} would both become '
                    f'{target_name(image)}; rename one'
                )

    def pictures(self) -> dict[str, Any]:
        """Tell these pictures from others.

        Returns:
            dict[str, Any]: Their number as ``pictures``, and a checksum of
            their names and sizes in bytes as ``pictures_sha256``.
        """
        digest = hashlib.sha256()
        for name in self.images:
            size = osp.getsize(osp.join(self.source, name))
            # A name may be no UTF-8.
            digest.update(f'{name} {size}\n'.encode(errors='surrogateescape'))
        return dict(
            pictures=len(self.images), pictures_sha256=digest.hexdigest()
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> int:
        """Write the corrupted forms of a picture that are not there yet.

        Args:
            index (int): Number of the picture.

        Returns:
            int: How many files were written.
        """
        image = self.images[index]
        lacking = []
        for corruption, severity in self.cells:
            folder = osp.join(self.out, corruption, str(severity))
            path = osp.join(folder, target_name(image))
            if not osp.isfile(path):
                lacking.append((corruption, severity, path))
        if not lacking:
            return 0
        picture = self._load(osp.join(self.source, image))
        for corruption, severity, path in lacking:
            seed = corruption_seed(
                self.settings.seed, image, corruption, severity
            )
            result = corrupt_image(picture, corruption, severity, seed)
            self._save(result, path)
        return len(lacking)

    def _load(self, path: str) -> Image.Image:
        try:
            with Image.open(path) as file:
                picture = file.convert('RGB')
        except OSError as error:
            raise OSError(f'{path} is unreadable ({error})') from error
        size = self.settings.size
        if size is None:
            return picture
        steps = [Resize(round(size * 256 / 224)), CenterCrop(size)]
        return Compose(steps)(picture)

    def _save(self, picture: Image.Image, path: str) -> None:
        folder, name = osp.split(path)
        os.makedirs(folder, exist_ok=True)
        # A file that is there is whole; hidden ones are no pictures.
        part = osp.join(folder, f'.{name}.{os.getpid()}.part')
        quality = self.settings.quality
        picture.save(part, 'JPEG', quality=quality, optimize=True)
        os.replace(part, path)


def target_name(image: str) -> str:
    """The name of a picture's corrupted forms, which are JPEG files.

    Args:
        image (str): Its name.

    Returns:
        str: The same with an extension of JPEG files.
    """
    stem, extension = osp.splitext(image)
    is_jpeg = extension.lower() in ('.jpg', '.jpeg')
    return image if is_jpeg else f'{stem}.jpg'


def write_corruption_tree(jobs: CorruptionJobs, workers: int = 0) -> int:
    """Write the tree, with a progress bar; files that are there stay.

    Args:
        jobs (CorruptionJobs): What to write.
        workers (int): Number of processes. 0 means this one. Defaults to 0.

    Returns:
        int: How many files were written.

    Raises:
        ValueError: If the tree was begun with other settings or pictures.
    """
    os.makedirs(jobs.out, exist_ok=True)
    _check_settings(jobs)
    loader = DataLoader(jobs, batch_size=None, num_workers=workers)
    return sum(tqdm(loader, total=len(jobs), unit='picture'))


def _check_settings(jobs: CorruptionJobs) -> None:
    path = osp.join(jobs.out, SETTINGS_FILE)
    now = dict(asdict(jobs.settings), **jobs.pictures())
    if not osp.isfile(path):
        put_json(now, path)
        return
    with open(path, encoding='utf-8') as file:
        before = json.load(file)
    # A tree of an older version does not tell its pictures.
    if any(before.get(key, now[key]) != now[key] for key in now):
        raise ValueError(
            f'{jobs.out} was begun with {before}, not with {now}: give the '
            'same settings and pictures, or another folder'
        )
