# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the cost is measured of differs from the recipes as listed."""

import pytest
from test_configs.config_tools import (
    BENCHMARK,
    IN1K_SUFFIX,
    ROOT,
    differences,
    docstring,
    load,
)

STOCK = {
    'model.backbone.type': 'MAEViT',
    'model.neck.type': 'MAEPretrainDecoder',
    'model.head.type': 'MAEPretrainHead',
    'optim_wrapper.optimizer.fused': None,
    'optim_wrapper.optimizer.type': 'AdamW',
}
JOINT = {'model.sequential_backward': False}


@pytest.mark.parametrize('arch', ['small', 'base'])
@pytest.mark.parametrize(
    'kind, recipe, changes',
    [
        ('stock-mae', 'mae', STOCK),
        ('aemim-joint', 'aemim', JOINT),
        ('fast-aemim-joint', 'fast-aemim', JOINT),
    ],
)
def test_differs_from_the_recipe_as_listed(arch, kind, recipe, changes):
    name = f'benchmark/{kind}_vit-{arch}-p16.py'
    assert name in BENCHMARK and len(BENCHMARK) == 6
    suffix = IN1K_SUFFIX.format(300)
    base = load(f'pretrain/{recipe}_vit-{arch}-p16{suffix}')
    ours = load(name)
    found = differences(base.to_dict(), ours.to_dict())
    assert set(found) == set(changes)
    for key, value in changes.items():
        part = ours
        for word in key.split('.'):
            part = part[word]
        assert part == value


@pytest.mark.parametrize('name', BENCHMARK)
def test_header_has_the_command(name):
    command = docstring(name).partition('::\n')[2]
    assert 'tools/benchmark_cost.py' in command
    for word in command.split():
        if word.startswith(('configs/', 'tools/')):
            assert (ROOT / word).is_file()
