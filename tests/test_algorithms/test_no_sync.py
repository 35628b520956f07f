# Copyright (c) aemim_mm contributors. All rights reserved.
"""No value of a tensor is read by the host within a training step.

``.item()``, ``.tolist()`` or ``nonzero`` raise under ``FakeTensorMode``, since
it has no values to give. Numbers that go from the host to the device, which
waits as well, are seen where a tensor is made of them. Some stock methods
select tokens by boolean masks, in the encoder (CAE, SparK) or in the head,
which waits for the device: there the step must not wait more often than its
passes do.
"""

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from toys import (
    HAS_CLS_TOKEN,
    METHODS,
    attack,
    batch,
    build_aemim,
    build_stock,
)

STOCK_WAITS = (
    'BEiT-v1',
    'BEiT-v2',
    'CAE',
    'iTPN-CLIP',
    'SparK-ResNet',
    'SparK-ConvNeXt',
)
NO_STOCK_WAITS = [toy for toy in METHODS if toy not in STOCK_WAITS]
SYNC_OPS = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
}


def fake(value, mode):
    if isinstance(value, list):
        return [fake(v, mode) for v in value]
    if isinstance(value, torch.Tensor):
        return mode.from_tensor(value)
    if value is not None:
        value.set_mask(mode.from_tensor(value.mask))
    return value


def use_fake_tensors(model, mode):
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                twin = mode.from_tensor(tensor.detach())
                if isinstance(tensor, torch.nn.Parameter):
                    twin = torch.nn.Parameter(twin, tensor.requires_grad)
                tensors[name] = twin


def test_fake_tensors_do_catch_a_sync():
    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        torch.rand(2).sum().item()
    with FakeTensorMode(), pytest.raises(DynamicOutputShapeException):
        torch.rand(2)[torch.ones(2, dtype=torch.bool)]


@pytest.mark.parametrize(
    'toy, distance, adv_ratio, sequential',
    [
        # The longest way: encode, decode, the targets of some rows.
        *((t, 'reconstruction', 0.25, False) for t in NO_STOCK_WAITS),
        # What is alike for every method.
        *(
            (toy, distance, adv_ratio, sequential)
            for toy in ('MAE-DualNormViT', 'MaskFeat')
            for distance, adv_ratio in (('kl', 0.25), ('l2', 1.0))
            for sequential in (False, True)
        ),
    ],
)
def test_step_has_no_host_sync(toy, distance, adv_ratio, sequential):
    adapters = ('norm', 'cls_token') if toy in HAS_CLS_TOKEN else ('norm',)
    model = build_aemim(
        toy,
        adapters=adapters,
        adv_ratio=adv_ratio,
        attack=attack(distance=distance),
        sequential_backward=sequential,
    )
    model.loss(*batch(toy))  # the first step checks values, once
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        use_fake_tensors(model, mode)
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        inputs, samples = fake(list(batch(toy)), mode)
        parsed, log = model.parse_losses(model.loss(inputs, samples))
        wrapper.update_params(parsed)
    assert type(parsed).__name__ == 'FakeTensor'
    assert 'distance_end' in log


@pytest.mark.parametrize('name', ['WaveletPGD', 'RandomNoise'])
def test_other_attacks_do_not_wait(name):
    if name == 'WaveletPGD':
        pytest.importorskip('pywt')
    model = build_aemim('MAE-DualNormViT', attack=dict(type=name))
    model.loss(*batch('MAE-DualNormViT'))
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        use_fake_tensors(model, mode)
        parsed, _ = model.parse_losses(
            model.loss(*fake(list(batch('MAE-DualNormViT')), mode))
        )
        parsed.backward()
    # What is made of numbers of the host is made once, not in every step.
    counts = []
    for kind in (name, 'FeatureDistancePGD'):
        model = build_aemim('MAE-DualNormViT', attack=dict(type=kind))
        model.loss(*batch('MAE-DualNormViT'))
        with FromTheHost() as host:
            model.loss(*batch('MAE-DualNormViT'))
        counts.append(len(host.tensors))
    assert counts[0] <= counts[1]


class FromTheHost(TorchDispatchMode):
    """Collects tensors that are made of numbers of the host."""

    def __init__(self):
        super().__init__()
        self.tensors = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Do, then look."""
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten.lift_fresh.default:
            self.tensors.append(result)
        return result


def test_a_number_of_the_host_is_caught():
    x = torch.ones(3)
    with FromTheHost() as host:
        x.new_full((), 2.0)
        assert not host.tensors
        x.new_tensor(2.0)
    assert len(host.tensors) == 1


@pytest.mark.parametrize('toy', NO_STOCK_WAITS)
def test_sequential_backward_sends_no_number(toy):
    """What the passes send themselves, ``test_gpu`` compares with stock."""
    sent = []
    for sequential in (False, True):
        model = build_aemim(toy, sequential_backward=sequential)
        model.loss(*batch(toy))  # the first step checks values, once
        torch.manual_seed(0)
        with FromTheHost() as host:
            parsed, _ = model.parse_losses(model.loss(*batch(toy)))
            parsed.backward()
        sent.append(len(host.tensors))
    assert sent[0] == sent[1]


class Waits(TorchDispatchMode):
    """Counts what would wait for a device, within a block."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Count, then do."""
        indexed = function in (
            torch.ops.aten.index.Tensor,
            torch.ops.aten.index_put_.default,
        )
        by_mask = indexed and any(
            index is not None and index.dtype == torch.bool
            for index in args[1]
        )
        self.count += by_mask or function in SYNC_OPS
        return function(*args, **(kwargs or {}))


def count(function, *args):
    with Waits() as waits:
        function(*args)
    return waits.count


@pytest.mark.parametrize('toy', STOCK_WAITS)
def test_step_waits_no_more_than_its_passes(toy):
    steps = 2
    stock, model = build_stock(toy), build_aemim(toy, attack=attack())
    model.loss(*batch(toy))
    encoder = {}

    def enter(module, args):
        encoder['start'] = waits.count

    def leave(module, args, output):
        encoder['count'] = waits.count - encoder['start']

    stock.backbone.register_forward_pre_hook(enter)
    stock.backbone.register_forward_hook(leave)
    with Waits() as waits:
        stock.loss(*batch(toy))
    assert 0 < waits.count >= encoder['count']
    limit = 2 * waits.count + steps * encoder['count']
    assert count(model.loss, *batch(toy)) <= limit
