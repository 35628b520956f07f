# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from states import assert_equal_states

from aemim_mm.export.timm_network import Rule, TimmNetwork

NETWORK = TimmNetwork(
    rules=(
        Rule(r'a\.(\d)', r'b.\1'),
        Rule(r'a\.(.*)', lambda match: match[1].upper(), torch.neg),
        Rule(r'gone', None),
    ),
    head='head',
    arguments=lambda architecture: ('name', {}),
)


def test_the_first_rule_of_the_whole_key_counts():
    weights = {
        key: torch.tensor(i) for i, key in enumerate(('a.0', 'a.12', 'gone'))
    }
    renamed = NETWORK.rename(weights)
    assert {k: int(v) for k, v in renamed.items()} == {'b.0': 0, '12': -1}
    assert renamed['b.0'] is weights['a.0']


def test_unknown_key():
    with pytest.raises(ValueError, match="'a' of the .* timm.*mmpretrain"):
        NETWORK.rename({'a': torch.ones(1)})


def test_restore_is_the_inverse():
    order = torch.tensor([2, 0, 3, 1])
    network = TimmNetwork(
        rules=(
            Rule(r'a\.(\d)', r'b.\1'),
            Rule(r'c', 'd', lambda value: value[..., order]),
            Rule(r'gone', None),
        ),
        head='head',
        arguments=lambda architecture: ('name', {}),
    )
    weights = {'a.0': torch.rand(3), 'c': torch.rand(2, 4)}
    renamed = network.rename(weights)
    assert not torch.equal(renamed['d'], weights['c'])
    # The second layer is not in the file, `gone` not in timm.
    restored = network.restore(renamed, ['a.0', 'a.1', 'c', 'gone'])
    assert_equal_states(weights, restored)
