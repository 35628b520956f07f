# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the passes of a step share, and what is left when one breaks off."""

import random

import pytest
import torch
from toys import batch, build_aemim

# One for each way in which the passes of a step share their draws.
toys = pytest.mark.parametrize(
    'toy',
    [
        *('MAE-DualNormViT', 'MILAN', 'iTPN-pixel', 'MixMIM', 'SparK-ResNet'),
        *('BEiT-v2', 'CAE', 'CIM'),
    ],
)


class Interrupted(Exception):
    """Raised in the middle of a step."""


@toys
@pytest.mark.parametrize('where', ['attack', 'neck'])
def test_a_step_after_an_interrupted_one_is_as_the_first(toy, where):
    model, fresh = build_aemim(toy), build_aemim(toy)

    def fail(*args):
        raise Interrupted

    own = model.attack
    if where == 'attack':
        model.attack = fail
    else:
        handle = (model.neck or model.head).register_forward_pre_hook(fail)
        if model.neck is None:  # its loss() is called, not its forward()
            model.head.loss = fail
    state = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(0)
    with pytest.raises(Interrupted):
        model.loss(*batch(toy, 6))
    assert not model.backbone._forward_pre_hooks
    assert not any(n._forward_hooks for n in model.passes.frozen)
    model.attack = own
    if where == 'neck':
        handle.remove()
        vars(model.head).pop('loss', None)
    model.load_state_dict(state)
    results = []
    for network in (model, fresh):
        torch.manual_seed(1)
        random.seed(1)
        results.append(network.loss(*batch(toy))['recon_clean'])
    torch.testing.assert_close(*results)
