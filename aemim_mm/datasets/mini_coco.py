# Copyright (c) aemim_mm contributors. All rights reserved.
"""A small detection data set, written in the layout of COCO 2017."""

import json
import os
import os.path as osp
import shutil
import tempfile

import numpy as np
from numpy.random import default_rng
from PIL import Image

from ._mini_coco_scenes import CLASSES, PaintedObject, paint_scene

DESCRIPTION = 'aemim_mm mini-COCO: shapes pasted on photographs'
_FOLDERS = ('train2017', 'val2017', 'annotations')
_SIDE = (64, 1024)
_MOST_IMAGES = 9999


def write_mini_coco(
    root: str,
    num_train: int = 24,
    num_val: int = 8,
    size: tuple[int, int] = (224, 160),
    seed: int = 0,
    force: bool = False,
) -> dict[str, int]:
    """Write ``train2017/``, ``val2017/`` and ``annotations/``.

    The masks are compressed run-length encodings and hold exactly the pixels
    that were painted; boxes and areas are those of the masks. Picture i of a
    split depends on the seed, the size and i alone: a larger data set begins
    with the smaller one. Nothing is left behind if writing fails.

    Args:
        root (str): The folder, made if needed.
        num_train (int): Number of training images. Defaults to 24.
        num_val (int): Number of validation images. Defaults to 8.
        size (tuple[int, int]): Width and height in pixels. Defaults to
            (224, 160).
        seed (int): Where all choices come from. Defaults to 0.
        force (bool): Whether to replace a data set that this function wrote.
            Defaults to False.

    Returns:
        dict[str, int]: Number of objects per split.

    Raises:
        ValueError: If a number or a side is out of range.
        FileExistsError: If the folder holds a data set already and ``force``
            is off, or holds anything that this function did not write.
        ImportError: If scikit-image or pycocotools is not installed.
    """
    _check_options(num_train, num_val, size, seed)
    root = osp.abspath(osp.expanduser(root))
    old = _find_old(root, force)
    os.makedirs(root, exist_ok=True)
    counts = {}
    with tempfile.TemporaryDirectory(prefix='.writing-', dir=root) as here:
        os.mkdir(osp.join(here, 'annotations'))
        for index, (split, num) in enumerate(
            (('train2017', num_train), ('val2017', num_val))
        ):
            counts[split] = _write_split(
                here, split, num, size, (seed, index), 10000 * index
            )
        for name in old:
            shutil.rmtree(osp.join(root, name))
        for name in _FOLDERS:
            os.rename(osp.join(here, name), osp.join(root, name))
    return counts


def _check_options(
    num_train: int, num_val: int, size: tuple[int, int], seed: int
) -> None:
    for name, value in (('num_train', num_train), ('num_val', num_val)):
        if not 1 <= value <= _MOST_IMAGES:
            raise ValueError(
                f'{name} is {value}; it must be 1 to {_MOST_IMAGES}.'
            )
    low, high = _SIDE
    if len(size) != 2 or not all(low <= side <= high for side in size):
        raise ValueError(
            f'size is {tuple(size)}; width and height must be {low} to '
            f'{high} pixels each.'
        )
    if seed < 0:
        raise ValueError(f'seed is {seed}; it must not be negative.')


def _find_old(root: str, force: bool) -> list[str]:
    """The folders of an earlier data set that may be replaced."""
    if not osp.exists(root):
        return []
    if not osp.isdir(root):
        raise FileExistsError(f'{root} is a file. Give another folder.')
    found = [name for name in _FOLDERS if osp.exists(osp.join(root, name))]
    if not found:
        return []
    if not _is_ours(root):
        raise FileExistsError(
            f'{root} holds {", ".join(found)}, which this tool did not write '
            'and will not touch. Give another folder.'
        )
    if not force:
        raise FileExistsError(
            f'{root} holds a mini-COCO already. Replace it with --force '
            '(force=True), or give another folder.'
        )
    return found


def _is_ours(root: str) -> bool:
    path = osp.join(root, 'annotations', 'instances_train2017.json')
    try:
        with open(path, encoding='utf-8') as file:
            return json.load(file)['info']['description'] == DESCRIPTION
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _write_split(
    root: str,
    split: str,
    num: int,
    size: tuple[int, int],
    seed: tuple[int, int],
    first_id: int,
) -> int:
    """Write the images of one split and their annotations; count objects."""
    os.mkdir(osp.join(root, split))
    images, annotations = [], []
    for index in range(num):
        image_id = first_id + index + 1
        file_name = f'{image_id:012d}.jpg'
        image, objects = paint_scene(default_rng((*seed, index)), *size)
        Image.fromarray(image).save(
            osp.join(root, split, file_name), quality=95, subsampling=0
        )
        images.append(
            dict(
                id=image_id,
                license=1,
                file_name=file_name,
                width=size[0],
                height=size[1],
            )
        )
        for painted in objects:
            annotation_id = 10 * first_id + len(annotations) + 1
            annotations.append(_annotation(painted, annotation_id, image_id))
    content = dict(
        info=dict(description=DESCRIPTION, version='1.0', year=2017),
        licenses=[
            dict(id=1, name='see the docstrings of skimage.data', url='')
        ],
        images=images,
        annotations=annotations,
        categories=[
            dict(supercategory='shape', id=label + 1, name=name)
            for label, name in enumerate(CLASSES)
        ],
    )
    path = osp.join(root, 'annotations', f'instances_{split}.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(content, file)
    return len(annotations)


def _annotation(
    painted: PaintedObject, annotation_id: int, image_id: int
) -> dict:
    try:
        from pycocotools import mask as coco_mask
    except ImportError as error:
        raise ImportError(
            f'Masks are encoded by pycocotools ({error}). It comes with the '
            'detection requirements: `make install-det` or '
            '`pip install pycocotools`.'
        ) from error
    rle = coco_mask.encode(np.asfortranarray(painted.mask, np.uint8))
    return dict(
        id=annotation_id,
        image_id=image_id,
        category_id=painted.label + 1,
        segmentation=dict(size=rle['size'], counts=rle['counts'].decode()),
        area=int(coco_mask.area(rle)),
        bbox=coco_mask.toBbox(rle).tolist(),
        iscrowd=0,
    )
