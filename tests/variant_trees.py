# Copyright (c) aemim_mm contributors. All rights reserved.
"""Miniature trees in the layouts of ImageNet's variants."""

from pathlib import Path

import numpy as np
from PIL import Image

# Class indices in ImageNet-1K. 6 and 987 are among ImageNet-A's.
SYNSETS = {
    'n01440764': 0,
    'n01443537': 1,
    'n01494475': 4,
    'n01498041': 6,
    'n12144580': 987,
    'n15075141': 999,
}


def write_image(path, size=(40, 40), value=0, **options):
    """A picture of one grey value."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size[1], size[0], 3), value, np.uint8)
    kind = 'PNG' if path.suffix.lower() == '.png' else 'JPEG'
    Image.fromarray(pixels).save(path, kind, **options)


def write_tree(root, files):
    """Pictures at these relative paths; other files are empty."""
    for name in files:
        path = Path(root) / name
        if path.suffix.lower() in ('.jpg', '.jpeg', '.png'):
            write_image(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('')
    return str(root)


def labels_by_name(dataset):
    """The label of every image, by path relative to the root."""
    root = Path(dataset.data_root)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    return {
        Path(info['img_path']).relative_to(root).as_posix(): info['gt_label']
        for info in infos
    }
