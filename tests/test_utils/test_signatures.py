# Copyright (c) aemim_mm contributors. All rights reserved.
import functools

import torch
from mmpretrain.datasets import ImageNet, RandAugment
from mmpretrain.models import MAEViT

from aemim_mm.utils.signatures import allowed_keys


class Base:
    def __init__(self, a, *, b=1):
        pass


class Passes(Base):
    def __init__(self, c, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Middle(Base):
    pass


class Reads(Middle):
    def __init__(self, **options):
        self.d = options.pop('d', None)
        self.e = options['e'] if 'e' in options else 0
        super().__init__(**options)


class Elsewhere(Base):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.kept = kwargs


class Rebuilds(Base):
    def __init__(self, c, **kwargs):
        kwargs = {'b': 2, **kwargs}
        super().__init__(**kwargs)


class RebuildsForItself(Base):
    def __init__(self, **kwargs):
        other = {'b': 2, **kwargs}
        super().__init__(**other)


class Skips(Passes):
    def __init__(self, **kwargs):
        super(Passes, self).__init__(**kwargs)


class Swallows(Base):
    def __init__(self, f, **kwargs):
        super().__init__(1)


class Decorated(Base):
    @functools.wraps(Base.__init__)
    def __init__(self, *args, **kwargs):
        pass


def test_keywords_are_followed_to_the_base():
    assert allowed_keys(Base) == {'a', 'b'}
    assert allowed_keys(Middle) == {'a', 'b'}
    assert allowed_keys(Passes) == {'a', 'b', 'c'}
    assert allowed_keys(Rebuilds) == {'a', 'b', 'c'}


def test_what_cannot_be_known():
    for cls in (
        Reads, Elsewhere, RebuildsForItself, Skips, Swallows, Decorated, int
    ):  # fmt: skip
        assert allowed_keys(cls) is None, cls


def test_functions():
    assert allowed_keys(lambda x, y=2, *, z=3: None) == {'x', 'y', 'z'}
    assert allowed_keys(lambda x, **kwargs: None) is None


def test_library_classes():
    assert {'mask_ratio', 'img_size', 'init_cfg'} <= allowed_keys(MAEViT)
    assert {'policies', 'magnitude_level'} <= allowed_keys(RandAugment)
    assert {'lr', 'weight_decay'} <= allowed_keys(torch.optim.AdamW)
    assert {'data_root', 'split', 'with_label'} <= allowed_keys(ImageNet)
