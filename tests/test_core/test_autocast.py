# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from aemim_mm.core import call_swapped
from aemim_mm.core.autocast import cast_ahead
from aemim_mm.core.module_index import ModuleIndex

pytest.importorskip('mmpretrain')
from toys import attack, batch, build_aemim, move_twins  # noqa: E402


def network():
    layers = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.Flatten(), nn.Linear(8, 3)
    )
    return nn.Sequential(layers, nn.Linear(3, 2))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_same_result_to_the_bit(dtype):
    model, x = network(), torch.randn(2, 1, 4, 4)
    frozen = ModuleIndex(model).frozen()
    with torch.autocast('cpu', dtype):
        ahead = cast_ahead(ModuleIndex(model), frozen, '0')
        expected = call_swapped(model, frozen, lambda: model(x))
        actual = call_swapped(model, ahead, lambda: model(x))
    assert torch.equal(actual, expected)
    assert {name: t.dtype for name, t in ahead.items()} == {
        '0.0.weight': dtype,
        '0.0.bias': dtype,
        # Norm layers compute in float32.
        '0.1.weight': torch.float32,
        '0.1.bias': torch.float32,
        '0.3.weight': dtype,
        '0.3.bias': dtype,
        # Not within.
        '1.weight': torch.float32,
        '1.bias': torch.float32,
    }
    assert frozen['0.0.weight'].dtype == torch.float32


@pytest.mark.parametrize('bias', [True, False])
def test_the_whole_model_is_cast_by_default(bias):
    model = nn.Linear(2, 2, bias)
    index = ModuleIndex(model)
    with torch.autocast('cpu', torch.bfloat16):
        ahead = cast_ahead(index, index.frozen())
        model.weight.data = model.weight.data.double()
        mixed = cast_ahead(index, index.frozen())
    assert {t.dtype for t in ahead.values()} == {torch.bfloat16}
    assert mixed['weight'].dtype == torch.float64  # not what autocast casts
    assert not bias or mixed['bias'].dtype == torch.bfloat16


def test_without_autocast_nothing_is_cast():
    model = network()
    frozen = ModuleIndex(model).frozen()
    assert all(
        tensor is frozen[name]
        for name, tensor in cast_ahead(ModuleIndex(model), frozen, '0').items()
    )


class Casts(TorchDispatchMode):
    """Counts casts of matrices to bfloat16, by shape."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Count, then do."""
        kwargs = kwargs or {}
        to = kwargs.get('dtype')
        if function is torch.ops.aten._to_copy.default and (
            to == torch.bfloat16
        ):
            self.shapes.append(tuple(args[0].shape))
        return function(*args, **kwargs)


def test_weights_are_cast_once_for_all_steps():
    counts = []
    for steps in (1, 4):
        model = build_aemim('MAE-DualNormViT', attack=attack(num_steps=steps))
        model.loss(*batch('MAE-DualNormViT'))
        with Casts() as casts, torch.autocast('cpu', torch.bfloat16):
            model.loss(*batch('MAE-DualNormViT'))
        weight = tuple(model.backbone.layers[0].attn.qkv.weight.shape)
        counts.append(casts.shapes.count(weight))
    # Two layers: once by autocast for both passes, once for the attack.
    assert counts == [4, 4]


def test_the_attack_under_autocast_is_the_same_as_before(monkeypatch):
    found = []
    for ahead in (True, False):
        if not ahead:
            monkeypatch.setattr(
                'aemim_mm.core.swap.cast_ahead',
                lambda model, tensors, within: tensors,
            )
        model = move_twins(build_aemim('MAE-DualNormViT', attack=attack()))
        torch.manual_seed(1)
        with torch.autocast('cpu', torch.bfloat16):
            found.append(model.step(*batch('MAE-DualNormViT')).x_adv)
    assert torch.equal(*found)
