# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import os.path as osp
from collections import Counter
from logging import WARNING

from mmengine.logging import print_log
from mmpretrain.datasets import BaseDataset
from mmpretrain.registry import DATASETS

# In lower case; files are matched whatever their case. Of a .gif the decoder
# takes the first frame.
READ_EXTENSIONS = (
    '.jpg',
    '.jpeg',
    '.png',
    '.bmp',
    '.tif',
    '.tiff',
    '.webp',
    '.gif',
)


@DATASETS.register_module()
class ImageFiles(BaseDataset):
    """All images in a folder, or in a text file of paths, without labels.

    Folders are searched at any depth, links are followed, and the images are
    sorted by their path. Hidden files (their names begin with a dot), files
    without one of :data:`READ_EXTENSIONS` and folders that cannot be read are
    skipped. :attr:`summary` reports their number.

    Args:
        data_root (str): A folder; or a text file with one path per line,
            relative to the folder of that file or absolute. Empty lines are
            ignored.
        **kwargs: Further keyword arguments of
            :class:`mmpretrain.datasets.BaseDataset`, such as ``pipeline``.

    Raises:
        FileNotFoundError: If ``data_root`` or a file named in it is missing.
        ValueError: If ``data_root`` is empty, a text file is not UTF-8, or
            there is no image.
    """

    def __init__(self, data_root: str, **kwargs) -> None:
        self.skipped: Counter[str] = Counter()
        super().__init__(ann_file='', data_root=data_root, **kwargs)

    @property
    def summary(self) -> str:
        """How many images there are, and how many files are skipped."""
        text = f'{len(self)} images in {self.data_root}'
        if not self.skipped:
            return text
        return f'{text}; {_count(self.skipped)}'

    def load_data_list(self) -> list[dict]:
        """List the images.

        Returns:
            list[dict]: ``img_path`` of every image.
        """
        root = self.data_root
        if not root:
            raise ValueError(
                'no images are named: give a folder or a text file of paths '
                'with --cfg-options data_root=PATH'
            )
        if osp.isdir(root):
            paths = self._walk(root)
        elif osp.isfile(root):
            paths = self._read(root)
        else:
            raise FileNotFoundError(f'there is no folder or file {root}')
        if not paths:
            raise ValueError(
                f'{root} holds no image. Its name would end in '
                f'{" ".join(READ_EXTENSIONS)}; {_count(self.skipped)}'
            )
        return [dict(img_path=path) for path in paths]

    def _walk(self, root: str) -> list[str]:
        paths, seen = [], set()
        walk = os.walk(root, followlinks=True, onerror=self._is_unreadable)
        for folder, folders, files in walk:
            # A link may lead back up.
            place = osp.realpath(folder)
            if place in seen:
                folders.clear()
                continue
            seen.add(place)
            self.skipped['hidden'] += sum(name[0] == '.' for name in folders)
            folders[:] = [name for name in folders if name[0] != '.']
            paths += [osp.join(folder, f) for f in files if self._is_image(f)]
        self.skipped += Counter()  # drops zeros
        return sorted(paths)

    def _is_unreadable(self, error: OSError) -> None:
        self.skipped['unreadable folders'] += 1
        print_log(f'no image of a folder is used: {error}', 'current', WARNING)

    def _read(self, file: str) -> list[str]:
        try:
            # Without the mark that editors of Windows put first.
            with open(file, encoding='utf-8-sig') as opened:
                lines = [line.strip() for line in opened]
        except UnicodeDecodeError as error:
            raise ValueError(
                f'{file} is not a text file of paths: {error}. Give a folder, '
                'or a file with one path per line'
            ) from error
        folder = osp.dirname(osp.abspath(file))
        paths = [
            osp.join(folder, osp.expanduser(line))
            for line in lines
            if line and self._is_image(osp.basename(line))
        ]
        missing = [path for path in paths if not osp.isfile(path)]
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of the {len(paths)} images that {file} names '
                f'are not there, the first is {missing[0]}. Paths are '
                f'relative to {folder}'
            )
        return paths

    def _is_image(self, name: str) -> bool:
        ending = osp.splitext(name)[1].lower()
        hidden = name[:1] == '.'
        if not hidden and ending in READ_EXTENSIONS:
            return True
        kind = 'hidden' if hidden else ending or 'without an ending'
        self.skipped[kind] += 1
        return False


def _count(skipped: Counter[str]) -> str:
    kinds = ', '.join(f'{n} {kind}' for kind, n in skipped.most_common(8))
    return f'skipped: {kinds or "nothing"}'
