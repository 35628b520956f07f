# Copyright (c) aemim_mm contributors. All rights reserved.
"""The training loop: precision, compilation, DDP, the tool."""

import copy
import os
import sys

import pytest
import tiny_run
import torch
import torch.distributed as dist
from gpu_toys import build, gradients, losses_of
from mmengine.optim import AmpOptimWrapper
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.parallel import DistributedDataParallel
from toys import assert_near

from aemim_mm.hooks.compile_blocks_hook import (
    BLOCKS,
    compile_blocks,
)

pytestmark = pytest.mark.gpu
TOY = 'MAE-DualNormViT'


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
@pytest.mark.parametrize('counts', [1, 2])
def test_amp_wrapper_trains_both_forms_alike(dtype, counts):
    """With a dynamic scale that begins too large, and with accumulation."""
    ends, scales = [], []
    for sequential in (False, True):
        model = build(TOY, sequential)
        start = copy.deepcopy(dict(model.named_parameters()))
        wrapper = AmpOptimWrapper(
            loss_scale='dynamic' if dtype == 'float16' else 1.0,
            dtype=dtype,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
            accumulative_counts=counts,
        )
        for seed in range(8):
            with wrapper.optim_context(model):
                losses = losses_of(model, TOY, seed=seed)
            loss, _ = model.parse_losses(losses)
            wrapper.update_params(loss)
        ends.append({n: p.detach() for n, p in model.named_parameters()})
        scales.append(wrapper.loss_scaler.get_scale())
    for name, value in ends[0].items():
        assert value.isfinite().all(), name
        moved = (value - start[name]).norm()
        limit = 0.05 * moved + 1e-5
        assert (ends[1][name] - value).norm() <= limit, name
    assert ends[0]['neck.mask_token'].ne(start['neck.mask_token']).any()
    assert scales[0] == scales[1] > 0


@pytest.mark.parametrize('clip_grad', [None, dict(max_norm=0.1)])
def test_amp_wrapper_updates_by_one_kernel_as_by_many(clip_grad):
    """AdamW as the recipes have it; the scaler skips the second step."""
    ends = []
    for fused in (True, None):
        torch.manual_seed(0)
        model = torch.nn.Linear(8, 8).cuda()
        start = model.weight.detach().clone()
        wrapper = AmpOptimWrapper(
            loss_scale='dynamic',
            dtype='float16',
            optimizer=torch.optim.AdamW(
                model.parameters(), lr=0.01, fused=fused
            ),
            clip_grad=clip_grad,
        )
        for factor in (1.0, float('inf'), 3.0):
            with wrapper.optim_context(model):
                output = model(torch.randn(4, 8, device='cuda'))
            wrapper.update_params(output.float().square().mean() * factor)
        ends.append(model.weight.detach())
    assert not torch.equal(ends[0], start)
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('adv_ratio, graphs', [(1.0, 2), (0.5, 3)])
@pytest.mark.parametrize('dtype', [None, torch.bfloat16])
def test_compiled_blocks(adv_ratio, graphs, dtype):
    torch._dynamo.reset()
    plain = build(TOY, True, adv_ratio=adv_ratio)
    compiled = copy.deepcopy(plain)
    counter = CompileCounterWithBackend('inductor')
    for name in BLOCKS[:1]:
        compile_blocks(compiled, name, backend=counter)
    tolerance = 1e-3 if dtype is None else 0.05
    for seed in range(3):
        expected, actual = (
            gradients(model, losses_of(model, TOY, dtype, seed))
            for model in (plain, compiled)
        )
        assert counter.frame_count == graphs
        assert_near(actual, expected, rtol=tolerance, floor=1e-5)
    torch._dynamo.reset()


def test_nccl(tmp_path):
    dist.init_process_group(
        'nccl', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    try:
        found = []
        for sequential in (False, True):
            model = build(TOY, sequential, adv_ratio=0.5)
            wrapped = DistributedDataParallel(
                model, device_ids=[0], find_unused_parameters=False
            )
            for seed in range(2):
                step = gradients(wrapped, losses_of(wrapped, TOY, seed=seed))
            found.append(step)
    finally:
        dist.destroy_process_group()
    assert_near(found[1], found[0], rtol=1e-3, floor=1e-5)


def test_the_training_tool(tmp_path):
    """AMP on the GPU, blocks compiled, killed by nobody, resumed once."""
    images = tiny_run.write_images(tmp_path / 'images')
    config = tiny_run.pretrain_cfg(
        images, tiny_run.aemim(sequential_backward=True)
    )
    config['custom_hooks'].append(
        dict(type='CompileBlocksHook', blocks='backbone.layers')
    )
    path = tiny_run.write_config(tmp_path / 'config.py', config)
    path_before = os.environ.get('PYTHONPATH', '')
    env = tiny_run.environment(*path_before.split(os.pathsep))
    env['CUDA_VISIBLE_DEVICES'] = os.environ.get('CUDA_VISIBLE_DEVICES', '0')
    work_dir = tmp_path / 'work'

    def train(*options):
        code, output = tiny_run.finish(
            tiny_run.start(
                *(sys.executable, tiny_run.ROOT / 'tools/train.py', path),
                *('--work-dir', work_dir, *options),
                cwd=tmp_path,
                env=env,
            )
        )
        assert code == 0, output

    train()
    (work_dir / 'epoch_2.pth').unlink()
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_1.pth'))
    train('--resume')
    values = tiny_run.scalars(work_dir)
    assert sorted(values) == list(range(1, 13))
    assert all(v['loss'] > 0 and v['memory'] > 0 for v in values.values())
