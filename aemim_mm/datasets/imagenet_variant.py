# Copyright (c) aemim_mm contributors. All rights reserved.
import logging
import os.path as osp

from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.registry import DATASETS

from aemim_mm_cli.imagenet_variants import variant_info

from .class_folders import flat_images, scan_class_folders
from .folder_labels import class_labels, imagenet_labels
from .image_files import READ_EXTENSIONS
from .image_list import read_image_list
from .label_spaces import read_class_file


@DATASETS.register_module()
class ImageNetVariant(CustomDataset):
    """An evaluation set of class folders, labelled by the folders' names.

    Labels are class indices of ImageNet-1K, whatever part of the 1000
    classes the tree holds: mmpretrain's own datasets number the folders they
    find, which gives the 200 classes of ImageNet-A the labels 0 to 199 and
    988 of ImageNet-V2's 1000 folders another class. Files beside the folders
    (a README), hidden files and folders without images are passed over; what
    an image is, :class:`ImageFiles` says.

    Attributes:
        num_found (int): Images in the tree. Set when the data are loaded, as
            are the others.
        num_classes_found (int): Classes that have images.
        complete (bool): Whether both numbers are the expected ones.

    Args:
        data_root (str): The folder that holds the class folders, on a local
            disk.
        class_file (str, optional): File of another label space, with one
            folder name per line; labels are line numbers from 0. Defaults to
            None.
        variant (str, optional): Short name of the data set (such as 'v2').
            Another number of images or classes than that of the original is
            warned of, and where to get it is said; with a class file, a class
            without images is. Defaults to None.
        strict (bool): Whether another number is an error. Defaults to False.
        ann_file (str): File of lines ``path label`` that names the images
            in place of the folders, their paths relative to ``data_root``.
            So is its own, unless it is absolute. Numbers are then not
            compared. Defaults to ''.
        metainfo (dict, optional): Further meta information. Defaults to
            None.
        test_mode (bool): Whether an image that cannot be loaded is an error.
            Defaults to True.
        **kwargs: Other keyword arguments of
            :class:`mmpretrain.datasets.CustomDataset`.

    Raises:
        FileNotFoundError: If ``data_root`` or a file is missing.
        ValueError: If there are no images, a folder of images has no class,
            or with ``strict`` a number is not the expected one.
    """

    METAINFO = dict(classes=IMAGENET_CATEGORIES)

    def __init__(
        self,
        data_root: str,
        class_file: str | None = None,
        variant: str | None = None,
        strict: bool = False,
        ann_file: str = '',
        metainfo: dict | None = None,
        test_mode: bool = True,
        **kwargs,
    ) -> None:
        self.class_file = class_file
        self.info = None if variant is None else variant_info(variant)
        self.strict = strict
        metainfo = dict(metainfo or {})
        if class_file is not None:
            metainfo['classes'] = tuple(read_class_file(class_file))
        super().__init__(
            data_root=data_root,
            ann_file=ann_file,
            extensions=READ_EXTENSIONS,
            metainfo=metainfo,
            test_mode=test_mode,
            **kwargs,
        )

    def load_data_list(self) -> list[dict]:
        """List the images with their labels, sorted by path.

        Returns:
            list[dict]: ``img_path`` and ``gt_label`` of every image.
        """
        root = osp.normpath(self.img_prefix)
        if not osp.isdir(root):
            raise FileNotFoundError(f'there is no folder {root}{self._origin}')
        if self.ann_file:
            samples = read_image_list(
                self.ann_file, root, len(self.CLASSES), self._labels
            )
        else:
            samples = self._find(root)
        if not samples:
            raise ValueError(f'{self._empty(root)}{self._origin}')
        self.num_found = len(samples)
        self.num_classes_found = len({label for _, label in samples})
        self.complete = self._check(root)
        return [
            dict(img_path=osp.join(root, name), gt_label=label)
            for name, label in samples
        ]

    def _find(self, root: str) -> list[tuple[str, int]]:
        folders = scan_class_folders(root)
        labels = self._labels([name for name in folders if folders[name]])
        return [
            (f'{name}/{file}', label)
            for name, label in labels.items()
            for file in folders[name]
        ]

    def _labels(self, folders: list[str]) -> dict[str, int]:
        if self.class_file is None:
            return imagenet_labels(folders, self.data_root)
        return class_labels(
            folders, self.data_root, self.CLASSES, self.class_file
        )

    def _empty(self, root: str) -> str:
        if self.ann_file:
            return f'{self.ann_file} names no images'
        flat = flat_images(root)
        if not flat:
            return f'{root} holds no class folders with images'
        return (
            f'{root} holds {len(flat)} images, such as {flat[0]}, but no '
            'class folders with images. Sort them into a folder per class '
            '(for the validation images of ImageNet the script valprep.sh of '
            'https://github.com/soumith/imagenetloader.torch does so), or '
            'name them with ann_file, one line "path label" each'
        )

    def _check(self, root: str) -> bool:
        """Compare with the original; whether the data set is complete."""
        info = self.info
        if info is None or self.ann_file:
            return True
        images, classes = info.num_images, info.num_classes
        what = f'not comparable with published ones{self._origin}'
        if self.class_file is not None:
            images, classes = self.num_found, len(self.CLASSES)
            what = f'not of all classes in {self.class_file}'
        differences = [
            f'{found} {of} instead of {expected}'
            for found, expected, of in (
                (self.num_found, images, 'images'),
                (self.num_classes_found, classes, 'classes with images'),
            )
            if found != expected
        ]
        if not differences:
            return True
        message = (
            f'{root} has {" and ".join(differences)}: results on it are {what}'
        )
        if self.strict:
            raise ValueError(message)
        print_log(message, logger='current', level=logging.WARNING)
        return False

    @property
    def _origin(self) -> str:
        if self.info is None:
            return ''
        return f'. {self.info.title} is at {self.info.origin}'
