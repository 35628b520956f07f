# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.datasets.label_spaces import subset_indices
from aemim_mm_cli.imagenet_variants import VARIANTS, variant_info


def test_sizes_of_the_originals():
    sizes = {k: (v.num_images, v.num_classes) for k, v in VARIANTS.items()}
    assert sizes == {
        'imagenet': (50000, 1000),
        'real': (50000, 1000),
        'v2': (10000, 1000),
        'a': (7500, 200),
        'r': (30000, 200),
        'sketch': (50889, 1000),
        'c': (50000, 1000),
    }


def test_subsets_have_their_classes():
    used = {v.subset: v.num_classes for v in VARIANTS.values() if v.subset}
    assert used == {name: len(subset_indices(name)) for name in used}
    assert variant_info('a').subset == 'imagenet-a'
    assert variant_info('r').subset == 'imagenet-r'


def test_unknown_name():
    with pytest.raises(ValueError, match="'d'; known: imagenet, real, v2"):
        variant_info('d')
