# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.checkpoints.fit import CheckpointFit
from aemim_mm.checkpoints.misfit import (
    describe_keys,
    describe_prefixes,
    likely_cause,
)


def _file(*keys):
    return dict(state_dict={key: torch.zeros(1) for key in keys})


def _fit(missing=(), unexpected=(), mismatched=()):
    return CheckpointFit(
        keys=('a', 'ln.b', 'layers.0.b'),
        missing=tuple(missing),
        unexpected=tuple(unexpected),
        mismatched=dict.fromkeys(mismatched, 'shapes'),
    )


ALL = ('a', 'ln.b', 'layers.0.b')


def test_descriptions():
    assert describe_keys('missing', ()) == ''
    keys = tuple('abcdefg')
    assert (
        describe_keys('missing', keys)
        == '\n  missing: a, b, c, d, e, and 2 more'
    )
    assert describe_keys('shapes', {'a': '1 or 2'}) == '\n  shapes: a (1 or 2)'
    content = _file('a.x', 'b.x', 'b.y', 'c')
    assert describe_prefixes(content) == 'b. (2 keys), a. (1 keys), c (1 keys)'


def test_adversarial_only():
    content = _file('module.adv.backbone.ln.b', 'adv.neck.ln.b')
    cause = likely_cause(_fit(ALL), content, 'backbone.')
    assert cause.startswith('an adversarial-only file')
    assert 'Take the checkpoint that pre-training has left' in cause
    # One key of the encoder more, and it is not.
    content['state_dict']['backbone.a'] = torch.zeros(1)
    cause = likely_cause(_fit(ALL[1:]), content, 'backbone.')
    assert 'adversarial' not in cause


@pytest.mark.parametrize('prefix', [None, 'neck.', 'adv.backbone.'])
def test_wrong_prefix(prefix):
    content = _file(
        *(f'backbone.{key}' for key in ALL),
        'adv.backbone.ln.b',
        'neck.layers.0.b',
    )
    assert likely_cause(_fit(ALL), content, prefix) == (
        'a wrong prefix: 3 of 3 keys of the model are in the file below '
        "'backbone.'"
    )


def test_prefix_that_should_not_be_there():
    cause = likely_cause(_fit(ALL), _file(*ALL), 'backbone.')
    assert cause.startswith('a wrong prefix: 3 of 3 keys')
    assert cause.endswith("below ''")


def test_the_clean_encoder_is_named_before_its_adapters():
    content = _file('adv.backbone.ln.b', 'backbone.ln.b')
    assert likely_cause(_fit(ALL), content).endswith("below 'backbone.'")


def test_another_library():
    cause = likely_cause(_fit(ALL), _file('blocks.0.norm1.weight'))
    assert cause == (
        'a wrong prefix, or a file in the format of another library'
    )


@pytest.mark.parametrize(
    'misfit',
    [
        dict(mismatched=('a',)),
        dict(mismatched=ALL),
        dict(unexpected=('layers.1.b',)),
    ],
)
def test_another_architecture(misfit):
    cause = likely_cause(_fit(**misfit), _file(*ALL))
    assert cause.startswith('a different architecture (size')


def test_incomplete():
    cause = likely_cause(_fit(missing=['ln.b']), _file('a', 'layers.0.b'))
    assert 'or a file that is not complete' in cause
