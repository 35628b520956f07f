# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace

import pytest
import torch
from mmpretrain.registry import HOOKS
from toys import batch, build_aemim, grads, seeded, total_loss

TOY = 'SparK-ResNet'


def run(model):
    losses = seeded(model.loss, *batch(TOY), seed=0)
    total_loss(losses).backward()
    return losses, grads(model)


def before_train(model, optimizer):
    hook = HOOKS.build(dict(type='ChannelsLastHook'))
    wrapper = SimpleNamespace(optimizer=optimizer)
    hook.before_train(SimpleNamespace(model=model, optim_wrapper=wrapper))


@pytest.mark.parametrize('fused', [False, True])
def test_moments_of_a_resumed_run_are_laid_out_with_the_weights(fused):
    """A fused kernel walks through both as they lie in memory."""
    ends = []
    for change in (False, True):
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(3, 4, 3)
        optimizer = torch.optim.AdamW(layer.parameters(), 0.1, fused=fused)
        for step in range(3):
            if change and step == 2:
                before_train(layer, optimizer)
            optimizer.zero_grad()
            layer(torch.randn(2, 3, 5, 5)).square().sum().backward()
            optimizer.step()
        ends.append(layer.weight.detach())
    assert ends[1].is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ends[1], ends[0], rtol=1e-4, atol=1e-5)


def test_memory_changes_and_numbers_do_not():
    plain, changed = build_aemim(TOY), build_aemim(TOY)
    optimizer = torch.optim.SGD(changed.parameters(), lr=0.1)
    before_train(changed, optimizer)
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
