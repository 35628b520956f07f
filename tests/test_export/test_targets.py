# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.export import TARGETS, find_architecture
from aemim_mm.export.targets import in_library


@pytest.mark.parametrize('kind', ['aemim', 'simmim', 'avg', 'probe', 'swin'])
def test_nothing_of_the_pretraining_is_left(zoo, kind):
    source = zoo.source(kind)
    architecture = find_architecture(source)
    assert TARGETS == ('mmpretrain', 'mmdet', 'timm')
    for target in TARGETS:
        weights = in_library(source, architecture, target).weights()
        for key in weights:
            assert 'adv' not in key and 'mask' not in key
            assert 'decoder' not in key


def test_unknown_target(zoo):
    source = zoo.source('mae')
    with pytest.raises(ValueError, match="unknown target 'onnx'.*timm"):
        in_library(source, find_architecture(source), 'onnx')
