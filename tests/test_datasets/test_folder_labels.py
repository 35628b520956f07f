# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from variant_trees import SYNSETS

from aemim_mm.datasets.folder_labels import class_labels, imagenet_labels


def test_wnids():
    # A part of the classes: positions would be 0 to 5.
    assert imagenet_labels(SYNSETS, 'root') == SYNSETS
    assert imagenet_labels(SYNSETS, 'root', 'wnid') == SYNSETS


def test_integers_are_no_positions():
    names = ['0', '1', '10', '100', '2', '007']
    expected = {'0': 0, '1': 1, '10': 10, '100': 100, '2': 2, '007': 7}
    assert imagenet_labels(names, 'root') == expected
    assert imagenet_labels(names, 'root', 'integer') == expected


@pytest.mark.parametrize(
    'folders, layout, message',
    [
        (['0', 'n01440764'], 'auto', 'mixes two layouts: 0 and n01440764'),
        (['0', '1000'], 'auto', 'the folder 1000 holds images'),
        (['n0144076'], 'auto', 'the folder n0144076 holds'),
        (['N01440764'], 'auto', 'the folder N01440764 holds'),
        (['n01440764_x'], 'auto', 'the folder n01440764_x holds'),
        (['tench'], 'integer', 'the folder tench holds'),
        (['n00000001'], 'auto', 'n00000001 is not one of the 1000'),
        (['7', '07'], 'auto', '7 and 07 mean the same class'),
        (['7'], 'wnid', "7 does not fit layout='wnid'"),
        (['n01440764'], 'integer', "n01440764 does not fit layout='integer'"),
        (['7'], 'v2', "layout is 'v2'; it must be one of auto, wnid"),
    ],
)
def test_everything_else_is_an_error(folders, layout, message):
    with pytest.raises(ValueError, match=message):
        imagenet_labels(folders, 'root', layout)


def test_other_label_space():
    classes = ['Trouser', 'Bag', 'Ankle boot']
    labels = class_labels(['Ankle boot', 'Bag'], 'root', classes, 'c.txt')
    assert labels == {'Ankle boot': 2, 'Bag': 1}
    with pytest.raises(ValueError, match='Coat .* 3 classes in c.txt'):
        class_labels(['Coat'], 'root', classes, 'c.txt')
