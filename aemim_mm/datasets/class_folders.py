# Copyright (c) aemim_mm contributors. All rights reserved.
"""Scan a tree of class folders: ``ROOT/<class>/<image>``."""

import os

from .image_files import READ_EXTENSIONS


def scan_class_folders(root: str) -> dict[str, list[str]]:
    """List the images of every folder in ``root``.

    Hidden files and folders, other files than images, and images that lie
    in ``root`` itself are passed over. Links are followed. One pass, without
    a call per file.

    Args:
        root (str): The folder of the class folders, on a local disk.

    Returns:
        dict[str, list[str]]: Sorted file names, by sorted folder name. A
        folder without images has an empty list.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If images lie deeper than in a class folder.
    """
    if not os.path.isdir(root):
        raise FileNotFoundError(f'there is no folder {root}')
    folders = {}
    with os.scandir(root) as entries:
        for entry in entries:
            if not entry.name.startswith('.') and entry.is_dir():
                folders[entry.name] = entry.path
    return {name: _images_in(folders[name], root) for name in sorted(folders)}


def flat_images(root: str) -> list[str]:
    """Names of the images that lie in a folder itself.

    Args:
        root (str): The folder.

    Returns:
        list[str]: Sorted file names.
    """
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if _is_image(entry))


def is_image_name(name: str) -> bool:
    """Whether a file of this name counts as an image.

    Args:
        name (str): File name.

    Returns:
        bool: Whether it does. Hidden files do not.
    """
    # macOS leaves `._name.jpg` in archives, which is no picture.
    return name.lower().endswith(READ_EXTENSIONS) and name[0] != '.'


def _is_image(entry: os.DirEntry) -> bool:
    return is_image_name(entry.name) and entry.is_file()


def _images_in(folder: str, root: str) -> list[str]:
    images = []
    with os.scandir(folder) as entries:
        for entry in entries:
            # The kind of an entry costs no system call, unless it is a link.
            if is_image_name(entry.name) and not entry.is_dir():
                images.append(entry.name)
            elif not entry.name.startswith('.') and entry.is_dir():
                _refuse_images(entry.path, root)
    return sorted(images)


def _refuse_images(folder: str, root: str) -> None:
    for path, _, files in os.walk(folder):
        if any(is_image_name(name) for name in files):
            raise ValueError(
                f'{path} holds images, but at another depth: the layout is '
                f'{os.path.join(root, "<class>", "<image>")}. Give the folder '
                'that holds the class folders'
            )
