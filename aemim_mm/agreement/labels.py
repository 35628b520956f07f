# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do class folders mean the same classes everywhere?"""

import os.path as osp
from collections.abc import Sequence

from mmengine.fileio import get_file_backend
from mmpretrain.datasets import CustomDataset
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from mmpretrain.datasets.custom import find_folders

from ..datasets import NamedFolders
from ..datasets.label_spaces import imagenet_synsets
from ..datasets.named_folders import class_folders
from .disagreement import Disagreement
from .names import inner_datasets, shown
from .run import Run
from .unread import folder_datasets, stands_for_imagenet


def folders_by_name(run: Run) -> None:
    """Label class folders by their names.

    The names are those of the checkpoint, of the config or of the training
    set. Where every set has the same folders, mmpretrain's labels are right
    and the config is left as it is.
    """
    known, source = None, ''
    for phase in run.phases:
        for key, config, dataset in folder_datasets(run, phase):
            root = dataset.img_prefix
            names = class_folders(root)
            if known is None:
                known, source = _classes_of_folders(run, key, dataset, names)
            strangers = sorted(set(names) - set(known))
            if strangers:
                raise Disagreement(
                    f'{key} ({root}) has the class folder(s) '
                    f'{shown(strangers)}, which {source} lacks: the one has '
                    f'{shown(names)}, the other {shown(known)}. Rename or '
                    'remove folders, so that each class has the same name '
                    'everywhere.'
                )
            if stands_for_imagenet(dataset):
                continue  # its folders have been compared
            hidden = _hidden_folders(root)
            if names == list(known) and not hidden:
                continue
            config['type'] = 'NamedFolders'
            config['folders'] = list(known)
            if config.pop('split', None):  # a folder's name, of ImageNet
                config['data_root'], config['data_prefix'] = '', root
            missing = sorted(set(known) - set(names))
            why = [f'without {shown(missing)}'] if missing else []
            why += [f'hidden: {shown(hidden)}'] if hidden else []
            run.notes.append(
                f'{key}: labels by the names of the folders of {source} '
                f'({"; ".join(why) or "in its order"}).'
            )


def imagenet_folders(run: Run) -> None:
    """The folders of ``ImageNet`` are the 1000 that its labels stand for."""
    for phase in run.phases:
        for key, _, dataset in folder_datasets(run, phase):
            if not stands_for_imagenet(dataset):
                continue
            names = set(find_folders(dataset.img_prefix)[0])
            ids = set(imagenet_synsets())
            if names != ids:
                raise Disagreement(
                    f'{key} ({dataset.img_prefix}): ImageNet needs 1000 '
                    'folders named by WordNet id, but here '
                    f'{shown(sorted(ids - names))} are missing and '
                    f'{shown(sorted(names - ids))} are other names: labels '
                    'would be wrong. For a part of the classes or for other '
                    'classes use type=CustomDataset or ImageNetVariant.'
                )


def classes_have_images(run: Run) -> None:
    """A classifier is trained on every class of its training folders."""
    if 'train' not in run.phases or not run.model_is('BaseClassifier'):
        return
    found = list(folder_datasets(run, 'train'))
    if not found or len(found) < len(list(inner_datasets(run, 'train'))):
        return  # other data sets may have the rest
    key, _, first = found[0]
    names = {name for _, _, d in found for name in class_folders(d.img_prefix)}
    known, source = _classes_of_folders(
        run, key, first, class_folders(first.img_prefix)
    )
    lacking = [
        name
        for name in known
        if not any(_has_image(dataset, name) for _, _, dataset in found)
    ]
    if len(lacking) == len(known):
        return  # said of the data set as a whole
    # Names of other folders are the greater mistake, and said by name.
    if lacking and names <= set(known):
        roots = ', '.join(dataset.img_prefix for _, _, dataset in found)
        raise Disagreement(
            f'{source} has the classes {shown(known)}, but there is no image '
            f'of {shown(lacking)} in {roots} to train on. Add images of each '
            'class, or remove classes without images.'
        )


def _classes_of_folders(
    run: Run, key: str, dataset: CustomDataset, names: Sequence[str]
) -> tuple[Sequence[str], str]:
    """Folder names in label order, and where they stand."""
    if stands_for_imagenet(dataset):
        return imagenet_synsets(), key
    stored = run.checkpoint_classes
    if tuple(stored) == tuple(IMAGENET_CATEGORIES):
        stored = list(imagenet_synsets())
    # Classes may also be other words for the folders, in sorted order.
    if set(stored) & set(names):
        return stored, run.checkpoint_name
    if isinstance(dataset, NamedFolders):
        return dataset.folders, f'{key}.folders'
    if set(dataset.CLASSES or ()) & set(names):
        return dataset.CLASSES, f'{key}.metainfo.classes'
    return names, f'{key} ({dataset.img_prefix})'


def _has_image(dataset: CustomDataset, name: str) -> bool:
    """Whether a class folder holds an image; looks no further than one."""
    folder = osp.join(dataset.img_prefix, name)
    if not osp.isdir(folder):
        return False
    files = get_file_backend(folder).list_dir_or_file(
        folder, list_dir=False, recursive=True
    )
    return any(map(dataset.is_valid_file, files))


def _hidden_folders(root: str) -> list[str]:
    """Hidden folders beside the class folders and in them."""
    found = find_folders(root)[0]
    inner = [
        f'{name}/{each}'
        for name in found
        if name[0] != '.'
        for each in find_folders(f'{root}/{name}')[0]
    ]
    return [path for path in found + inner if '/.' in f'/{path}']
