# Copyright (c) aemim_mm contributors. All rights reserved.
"""The test images of Fashion-MNIST as files in class folders."""

import os
import os.path as osp
import re
from itertools import groupby

from mmpretrain.datasets import FashionMNIST
from PIL import Image

from aemim_mm_cli.places import tool

from ..utils.storage import AtomicLocalBackend
from .imagenet_variant import ImageNetVariant

CLASS_FILE = 'classes.txt'


def export_fashion_mnist(root: str, out: str) -> int:
    """Write the test images as ``<class>/<number>.png``, without loss.

    Beside the folders lies ``classes.txt`` with their names in label order,
    the class file of :class:`ImageNetVariant`.

    Args:
        root (str): Folder of Fashion-MNIST's unpacked files.
        out (str): Folder to write to. Files that are there stay.

    Returns:
        int: Number of images.

    Raises:
        FileNotFoundError: If the data are not there.
    """
    try:
        # It is test_mode that selects the test images.
        data = FashionMNIST(root, split='test', test_mode=True, download=False)
    except RuntimeError as error:
        raise FileNotFoundError(
            f'{root} does not hold Fashion-MNIST; '
            f'{tool("prepare_fashion_mnist.py")} puts it there'
        ) from error
    # "T-shirt/top" is no name of a folder.
    names = [re.sub(r'[^\w-]+', '-', name) for name in data.CLASSES]
    for name in names:
        os.makedirs(osp.join(out, name), exist_ok=True)
    for index in range(len(data)):
        sample = data.get_data_info(index)
        folder = osp.join(out, names[int(sample['gt_label'])])
        path = osp.join(folder, f'{index:05d}.png')
        if not osp.isfile(path):
            part = osp.join(folder, f'.{index:05d}.part')
            Image.fromarray(sample['img']).save(part, 'PNG')
            os.replace(part, path)
    with open(osp.join(out, CLASS_FILE), 'w', encoding='ascii') as file:
        file.writelines(f'{name}\n' for name in names)
    return len(data)


def write_attack_list(images: str, per_class: int | None, path: str) -> None:
    """Name the first images of each class, one line ``path label`` each.

    Args:
        images (str): The folder of :func:`export_fashion_mnist`.
        per_class (int, optional): Number of images of a class; None for all.
        path (str): The file.
    """
    dataset = ImageNetVariant(
        images, class_file=osp.join(images, CLASS_FILE), lazy_init=True
    )
    infos = dataset.load_data_list()
    lines = [
        f'{osp.relpath(info["img_path"], images)} {label}\n'
        for label, group in groupby(infos, lambda info: info['gt_label'])
        for info in list(group)[:per_class]
    ]
    AtomicLocalBackend().put_text(''.join(lines), path)
