# Copyright (c) aemim_mm contributors. All rights reserved.
"""CAE: the teacher sees the clean image and moves once in a step."""

import copy

import pytest
import torch
from toys import attack, batch, build_aemim, move_twins


@pytest.mark.parametrize('distance', ['l2', 'reconstruction'])
def test_teacher_takes_the_clean_adapters_once(distance):
    """At momentum 0 it is the encoder with phi_c, not with phi_a."""
    model = move_twins(
        build_aemim('CAE', adv_ratio=0.5, attack=attack(distance=distance))
    )
    model.momentum = 0.5
    before = copy.deepcopy(model.teacher.state_dict())
    model.loss(*batch('CAE'))
    after = model.teacher.state_dict()
    parameters = dict(model.backbone.named_parameters())
    assert parameters.keys() <= after.keys()
    for name, value in parameters.items():
        expected = 0.5 * before[name] + 0.5 * value.detach()
        torch.testing.assert_close(after[name], expected)
    assert not torch.equal(after['ln1.weight'], before['ln1.weight'])


def test_teacher_sees_the_clean_image_once():
    model = build_aemim('CAE', attack=attack(distance='reconstruction'))
    seen = []
    forward = type(model.teacher).forward
    inputs, samples = batch('CAE')

    def watch(module, x, mask):
        if module is model.teacher:
            seen.append(x)
        return forward(module, x, mask)

    cls = type(model.teacher)
    cls.forward = watch
    try:
        model.loss(inputs, samples)
    finally:
        cls.forward = forward
    assert len(seen) == 1 and seen[0] is inputs[0]


def test_momentum_update_is_itself_again_after_the_step():
    model = build_aemim('CAE')
    model.loss(*batch('CAE'))
    assert 'momentum_update' not in vars(model)
