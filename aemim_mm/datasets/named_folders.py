# Copyright (c) aemim_mm contributors. All rights reserved.
import os
from collections.abc import Sequence

from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets.custom import find_folders, get_samples
from mmpretrain.registry import DATASETS


@DATASETS.register_module()
class NamedFolders(CustomDataset):
    """mmpretrain's ``CustomDataset`` of class folders, labelled by name.

    ``CustomDataset`` numbers the folders that it finds: where one is missing,
    hidden or new, every label behind it is another one. Here the place of a
    folder's name in ``folders`` is its label. Folders that are not there have
    no images; hidden ones are passed over.

    Args:
        folders (Sequence[str]): Names of the class folders, in label order.
        **kwargs: Keyword arguments of
            :class:`mmpretrain.datasets.CustomDataset`. Without
            ``metainfo['classes']`` the folders' names are the classes.

    Raises:
        ValueError: If a folder with images is not in ``folders``.
    """

    def __init__(self, folders: Sequence[str], **kwargs) -> None:
        self.folders = tuple(folders)
        super().__init__(**kwargs)

    def is_valid_file(self, filename: str) -> bool:
        """Whether a file is an image.

        Args:
            filename (str): Its path.

        Returns:
            bool: Whether it is. Hidden files, such as ``._name.jpg``, and
            what lies in hidden folders are none.
        """
        hidden = f'{os.sep}.' in os.sep + filename
        return not hidden and super().is_valid_file(filename)

    def _find_samples(self) -> list[tuple[str, int]]:
        found = class_folders(self.img_prefix)
        labels = {name: label for label, name in enumerate(self.folders)}
        unknown = {name: -1 for name in found if name not in labels}
        strangers, _ = get_samples(
            self.img_prefix, unknown, is_valid_file=self.is_valid_file
        )
        if strangers:
            raise ValueError(
                f'{self.img_prefix}: the folder of {strangers[0][0]} is not '
                f'one of the classes {", ".join(self.folders)}'
            )
        self.folder_to_idx = {
            name: labels[name] for name in found if name in labels
        }
        samples, _ = get_samples(
            self.img_prefix,
            self.folder_to_idx,
            is_valid_file=self.is_valid_file,
        )
        if not samples:
            raise ValueError(
                f'{self.img_prefix} holds no image in the folders '
                f'{", ".join(self.folders)}'
            )
        if self.CLASSES is None:
            self._metainfo['classes'] = self.folders
        return samples


def class_folders(root: str) -> list[str]:
    """Names of the folders that count as classes.

    Args:
        root (str): The folder that they lie in.

    Returns:
        list[str]: The names, sorted, without hidden folders.
    """
    return [name for name in find_folders(root)[0] if name[0] != '.']
