# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from variant_trees import SYNSETS

from aemim_mm.datasets.folder_labels import class_labels, imagenet_labels


def test_wnids():
    # A part of the classes: positions would be 0 to 5.
    assert imagenet_labels(SYNSETS, 'root') == SYNSETS


def test_integers_are_no_positions():
    names = ['0', '1', '10', '100', '2', '007']
    expected = {'0': 0, '1': 1, '10': 10, '100': 100, '2': 2, '007': 7}
    assert imagenet_labels(names, 'root') == expected


@pytest.mark.parametrize(
    'folders, message',
    [
        (['0', 'n01440764'], 'mixes two layouts: 0 and n01440764'),
        (['0', '1000'], 'the folder 1000 holds images'),
        (['n0144076'], 'the folder n0144076 holds'),
        (['N01440764'], 'the folder N01440764 holds'),
        (['n01440764_x'], 'the folder n01440764_x holds'),
        (['tench'], 'the folder tench holds'),
        (['n00000001'], 'n00000001 is not one of the 1000'),
        (['7', '07'], '7 and 07 mean the same class'),
    ],
)
def test_everything_else_is_an_error(folders, message):
    with pytest.raises(ValueError, match=message):
        imagenet_labels(folders, 'root')


def test_other_label_space():
    classes = ['Trouser', 'Bag', 'Ankle boot']
    labels = class_labels(['Ankle boot', 'Bag'], 'root', classes, 'c.txt')
    assert labels == {'Ankle boot': 2, 'Bag': 1}
    with pytest.raises(ValueError, match='Coat .* 3 classes in c.txt'):
        class_labels(['Coat'], 'root', classes, 'c.txt')
