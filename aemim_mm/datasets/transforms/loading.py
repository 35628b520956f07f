# Copyright (c) aemim_mm contributors. All rights reserved.
import io
import logging

import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmpretrain.registry import TRANSFORMS
from PIL import Image

# First and last bytes of a whole file.
_MARKS = {
    b'\xff\xd8': b'\xff\xd9',  # JPEG
    b'\x89PNG\r\n\x1a\n': b'IEND\xaeB`\x82',
}


class UnreadableImage(OSError):
    """An image that is needed and cannot be read."""


@TRANSFORMS.register_module()
class LoadImageOrSkip(LoadImageFromFile):
    """Load an image; log an unreadable one, and use another image instead.

    An image is bad if it cannot be read (missing, empty), cannot be decoded,
    or is a truncated JPEG or PNG file. Not every decoder in every version
    refuses truncated files; some fill the rest with grey without an error. A
    bad image gives ``None``, and the dataset then draws another sample.
    Damage inside a file that is complete and can be decoded is not detected.

    Required Keys:

    - img_path

    Modified Keys:

    - img
    - img_shape
    - ori_shape

    Note:
        In an evaluation no sample may be replaced, because the accuracy would
        then be that of another set. Datasets of mmpretrain do not set their
        ``test_mode`` themselves: use ``LoadImageFromFile`` there, or this
        class with ``test_mode=True``.

        Each data worker counts separately.

    Args:
        max_in_a_row (int): Number of bad images in a row after which an error
            is raised. Defaults to 10.
        test_mode (bool): Whether to raise at once on a bad image. Defaults
            to False.
        to_float32 (bool): Whether to return float32 instead of uint8.
            Defaults to False.
        color_type (str): Flag of :func:`mmcv.imfrombytes`. Defaults to
            'color'.
        imdecode_backend (str): Decoder of :func:`mmcv.imfrombytes`, such as
            'cv2' or 'pillow'. Defaults to 'cv2'.
        backend_args (dict, optional): Arguments of the storage backend.
            Defaults to None.

    Raises:
        ValueError: If ``max_in_a_row`` is not a positive integer.
        UnreadableImage: On a bad image in test mode, or on the last of
            ``max_in_a_row`` in a row.
    """

    def __init__(
        self,
        max_in_a_row: int = 10,
        test_mode: bool = False,
        to_float32: bool = False,
        color_type: str = 'color',
        imdecode_backend: str = 'cv2',
        *,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(
            to_float32=to_float32,
            color_type=color_type,
            imdecode_backend=imdecode_backend,
            backend_args=backend_args,
        )
        if not isinstance(max_in_a_row, int) or max_in_a_row < 1:
            raise ValueError(
                'LoadImageOrSkip.max_in_a_row must be a positive number of '
                f'images, but got {max_in_a_row!r}.'
            )
        self.max_in_a_row = max_in_a_row
        self.test_mode = test_mode
        self.num_bad = 0
        self.num_in_a_row = 0

    def transform(self, results: dict) -> dict | None:
        """Load the image of ``results['img_path']``.

        Args:
            results (dict): Result dict of the dataset.

        Returns:
            dict or None: The results with the image, (H, W, C) in BGR, or
            ``None`` for a bad image.
        """
        path = results['img_path']
        try:
            img = self._load(path)
        except MemoryError:
            raise
        # On damaged bytes decoders raise whatever they stumble over.
        except Exception as error:
            self._count(path, error)
            return None
        self.num_in_a_row = 0
        results['img'] = img.astype(np.float32) if self.to_float32 else img
        results['img_shape'] = img.shape[:2]
        results['ori_shape'] = img.shape[:2]
        return results

    def _load(self, path: str) -> np.ndarray:
        content = fileio.get(path, backend_args=self.backend_args)
        if not content:
            raise OSError('the file is empty')
        if _seems_cut_off(content):
            # Bytes after the end are harmless; Pillow knows the difference.
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
        img = mmcv.imfrombytes(
            content, flag=self.color_type, backend=self.imdecode_backend
        )
        if img is None:
            raise OSError('not an image that the decoder knows')
        return img

    def _count(self, path: str, error: Exception) -> None:
        self.num_bad += 1
        self.num_in_a_row += 1
        reason = f'{type(error).__name__}: {error}'
        if self.test_mode:
            raise UnreadableImage(
                f'{path} is unreadable ({reason}). An evaluation cannot leave '
                'it out; restore the file.'
            ) from error
        if self.num_in_a_row >= self.max_in_a_row:
            raise UnreadableImage(
                f'{self.num_in_a_row} unreadable images in a row, the last is '
                f'{path} ({reason}). Check the data folder and the disk; '
                'LoadImageOrSkip.max_in_a_row sets the limit.'
            ) from error
        # Of the other processes the logger passes on errors alone.
        level = logging.WARNING if is_main_process() else logging.ERROR
        print_log(
            f'Unreadable image number {self.num_bad} of this data worker, '
            f'another sample takes its place: {path} ({reason})',
            logger='current',
            level=level,
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(max_in_a_row={self.max_in_a_row}, '
            f'test_mode={self.test_mode}, to_float32={self.to_float32}, '
            f"color_type='{self.color_type}', "
            f"imdecode_backend='{self.imdecode_backend}', "
            f'backend_args={self.backend_args})'
        )


def _seems_cut_off(content: bytes) -> bool:
    return any(
        content.startswith(start) and not content.endswith(end)
        for start, end in _MARKS.items()
    )
