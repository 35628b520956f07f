# Copyright (c) aemim_mm contributors. All rights reserved.
"""No value of a tensor is read by the host within a training step.

``.item()``, ``.tolist()`` or ``nonzero`` raise under ``FakeTensorMode``, since
it has no values to give. What this cannot see without a GPU is a copy between
devices.
"""

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensorMode,
)
from toys import METHODS, build_aemim, images


def test_fake_tensors_do_catch_a_sync():
    with FakeTensorMode(), pytest.raises(DataDependentOutputException):
        torch.rand(2).sum().item()


@pytest.mark.parametrize('toy', list(METHODS))
@pytest.mark.parametrize('distance', ['l2', 'kl', 'reconstruction'])
@pytest.mark.parametrize('adv_ratio', [1.0, 0.25])
def test_step_has_no_host_sync(toy, distance, adv_ratio):
    model = build_aemim(
        toy,
        adapters=('norm', 'cls_token'),
        adv_ratio=adv_ratio,
        attack=dict(type='FeatureDistancePGD', distance=distance),
    )
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        for module in model.modules():
            for tensors in (module._parameters, module._buffers):
                for name, tensor in tensors.items():
                    if tensor is None:
                        continue
                    fake = mode.from_tensor(tensor.detach())
                    if isinstance(tensor, torch.nn.Parameter):
                        fake = torch.nn.Parameter(fake, tensor.requires_grad)
                    tensors[name] = fake
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
        x = mode.from_tensor(images(4))
        parsed, log = model.parse_losses(model.loss(x, None))
        wrapper.update_params(parsed)
    assert type(parsed).__name__ == 'FakeTensor'
    assert 'distance_end' in log
