# Copyright (c) aemim_mm contributors. All rights reserved.
"""Reading features out of an encoder's output, and putting others in."""

import torch

from aemim_mm.interception.rules import (
    EncoderRule,
    MethodRule,
)


def test_maps_of_the_three_kinds_of_output():
    a, b, ids = torch.rand(2, 3), torch.rand(2, 5), torch.arange(2)
    assert EncoderRule().maps(a) == [a]
    assert EncoderRule().maps((a, b)) == [a, b]
    assert EncoderRule(features=0).maps((a, ids)) == [a]
    assert EncoderRule(features=1).maps((ids, (a, b))) == [a, b]


def test_with_maps_keeps_the_rest_and_the_type():
    a, b, ids = torch.rand(2, 3), torch.rand(2, 5), torch.arange(2)
    c, d = torch.rand(2, 3), torch.rand(2, 5)
    assert EncoderRule().with_maps(a, [c]) is c
    assert EncoderRule().with_maps((a, b), [c, d]) == (c, d)
    assert EncoderRule().with_maps([a, b], [c, d]) == [c, d]
    assert EncoderRule(features=0).with_maps((a, ids), [c]) == (c, ids)
    assert EncoderRule(features=0).with_maps(((a, b), ids), [c, d]) == (
        (c, d),
        ids,
    )


def test_default_rows_are_any_and_ascending():
    rows = MethodRule().choose_rows(4, 16)
    assert rows == sorted(set(rows)) and len(rows) == 4 and max(rows) < 16
