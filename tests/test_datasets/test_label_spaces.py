# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmpretrain.datasets.categories import IMAGENET_CATEGORIES
from variant_trees import SYNSETS

from aemim_mm.datasets.label_spaces import (
    imagenet_synsets,
    read_class_file,
    subset_indices,
    synset_to_index,
)


def test_index_is_the_rank_of_the_sorted_id():
    synsets = imagenet_synsets()
    assert len(synsets) == 1000
    assert list(synsets) == sorted(synsets)
    assert {name: synset_to_index()[name] for name in SYNSETS} == SYNSETS
    # The devkit calls n02119789 number 1; by rank it is the kit fox.
    assert synset_to_index()['n02119789'] == 278
    assert IMAGENET_CATEGORIES[278].startswith('kit fox')


def test_subsets():
    a, r = subset_indices('imagenet-a'), subset_indices('imagenet-r')
    # From natural-adv-examples/eval.py and imagenet-r/eval.py.
    assert a[:12] == (6, 11, 13, 15, 17, 22, 23, 27, 30, 37, 39, 42)
    assert a[-5:] == (981, 984, 986, 987, 988)
    assert r[:12] == (1, 2, 4, 6, 8, 9, 11, 13, 22, 23, 26, 29)
    assert r[-5:] == (967, 980, 981, 983, 988)
    assert len(set(a)) == len(set(r)) == 200
    assert len(set(a) & set(r)) == 86


def test_class_file_keeps_the_order_of_its_lines(tmp_path):
    path = tmp_path / 'classes.txt'
    path.write_text('Trouser \r\nT-shirt-top\r\nAnkle boot\r\n\r\n')
    assert read_class_file(path) == ['Trouser', 'T-shirt-top', 'Ankle boot']


@pytest.mark.parametrize(
    'text, message',
    [
        ('\n', 'is empty'),
        ('a\n\nb\n', "line 2: ''"),
        ('a\nT-shirt/top\n', "line 2: 'T-shirt/top'"),
        ('a\nb\na\n', "line 3: 'a' is also on line 1"),
    ],
)
def test_bad_class_file(tmp_path, text, message):
    path = tmp_path / 'classes.txt'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_class_file(path)
