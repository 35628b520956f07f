# Copyright (c) aemim_mm contributors. All rights reserved.
"""The table serves every MIM method of mmpretrain, and subclasses."""

import pytest
from mmpretrain.models import selfsup
from toys import METHODS, build_aemim

from aemim_mm.interception.rules import (
    ENCODERS,
    EncoderRule,
    MethodRule,
    encoder_rule,
    method_rule,
)
from aemim_mm.interception.rules import METHODS as METHOD_RULES


@pytest.mark.parametrize('toy', list(METHODS))
def test_every_encoder_has_an_entry(toy):
    assert type(build_aemim(toy).backbone) in ENCODERS


def test_itpn_draws_only_for_pixels():
    pixel, clip = (
        encoder_rule(build_aemim(toy).backbone)
        for toy in ('iTPN-pixel', 'iTPN-CLIP')
    )
    assert pixel.features == 0 and pixel.draw.name == 'masking_id'
    assert clip == EncoderRule()


def test_the_nearest_class_counts():
    class OwnMILAN(selfsup.MILANViT):
        pass

    rule = encoder_rule(OwnMILAN.__new__(OwnMILAN))
    assert rule is ENCODERS[selfsup.MILANViT]
    assert rule is not ENCODERS[selfsup.MAEViT]

    class OwnCAE(selfsup.CAE):
        pass

    assert method_rule(OwnCAE) is METHOD_RULES[selfsup.CAE]
    assert method_rule(selfsup.MAE) == MethodRule()
    assert encoder_rule(object()) == EncoderRule()
