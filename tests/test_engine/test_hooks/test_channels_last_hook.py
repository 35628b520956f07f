# Copyright (c) aemim_mm contributors. All rights reserved.
import random
from types import SimpleNamespace

import torch
from mmpretrain.registry import HOOKS
from toys import batch, build_aemim, grads, total_loss

TOY = 'SparK-ResNet'


def run(model):
    torch.manual_seed(0)
    random.seed(0)
    losses = model.loss(*batch(TOY))
    total_loss(losses).backward()
    return losses, grads(model)


def test_memory_changes_and_numbers_do_not():
    plain, changed = build_aemim(TOY), build_aemim(TOY)
    optimizer = torch.optim.SGD(changed.parameters(), lr=0.1)
    hook = HOOKS.build(dict(type='ChannelsLastHook'))
    hook.before_train(SimpleNamespace(model=changed))
    kernels = [p for p in changed.backbone.parameters() if p.ndim == 4]
    kernels = [p for p in kernels if p.shape[-1] > 1 and p.shape[1] > 1]
    assert len(kernels) > 3
    for kernel in kernels:
        assert kernel.is_contiguous(memory_format=torch.channels_last)
        assert not kernel.is_contiguous()
    expected, actual = run(plain), run(changed)
    for name, value in expected[0].items():
        torch.testing.assert_close(
            actual[0][name], value, rtol=1e-3, atol=1e-4
        )
    # The optimizer's parameters are the model's.
    before = kernels[0].detach().clone()
    optimizer.step()
    assert not torch.equal(kernels[0], before)
