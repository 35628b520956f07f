# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmpretrain.registry import DATASETS

NAMES = ('cat', 'ant', 'bee')


@pytest.fixture
def tree(tmp_path):
    """Two images of a cat, one of a bee, none of an ant; hidden ones."""
    for name in (
        'cat/0.png',
        'cat/more/1.JPG',
        'bee/0.png',
        'bee/notes.txt',
        'bee/._0.png',
        'bee/.ipynb_checkpoints/0.png',
        '.thumbnails/0.png',
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def build(root, **options):
    return DATASETS.build(
        dict(type='NamedFolders', data_root=str(root), folders=NAMES) | options
    )


def test_labels_are_places_of_the_names(tree):
    dataset = build(tree)
    found = [dataset.get_data_info(place) for place in range(len(dataset))]
    assert [
        (info['img_path'][len(f'{tree}/') :], info['gt_label'])
        for info in found
    ] == [('bee/0.png', 2), ('cat/0.png', 0), ('cat/more/1.JPG', 0)]
    assert dataset.CLASSES == NAMES


def test_other_words_for_the_classes_stay(tree):
    words = ('Katze', 'Ameise', 'Biene')
    assert build(tree, metainfo=dict(classes=words)).CLASSES == words


def test_a_folder_that_is_no_class(tree):
    with pytest.raises(ValueError, match='bee/0.png is not one .* cat, ant'):
        build(tree, folders=NAMES[:2])


def test_an_empty_folder_that_is_no_class(tree):
    (tree / 'dog').mkdir()
    assert len(build(tree)) == 3


def test_no_images(tmp_path):
    with pytest.raises(ValueError, match='holds no image'):
        build(tmp_path)
