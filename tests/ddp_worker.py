# Copyright (c) aemim_mm contributors. All rights reserved.
"""One rank of the two-process tests: ``ddp_worker.py RANK FOLDER``.

Writes ``rank{RANK}.pt``: the averaged gradient of one step on injected draws,
and the parameters after two free optimizer steps.
"""

import random
import sys
from pathlib import Path
from unittest import mock

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from toys import build_aemim, grads, images, total_loss

import aemim_mm  # noqa: F401

WORLD, PER_RANK, TOY = 2, 4, 'MAE-DualNormViT'
ROWS = [[0, 2], [1, 3]]


def injected(rank, model):
    """Draws of this rank as slices of the draws of the joined batch.

    ``rank=None`` is the joined batch itself.
    """
    generator = torch.Generator().manual_seed(9)
    total = WORLD * PER_RANK
    mask = torch.rand(total, 16, generator=generator)
    start = torch.rand(total, 3, 32, 32, generator=generator)
    ranks = range(WORLD) if rank is None else [rank]
    batch = [r * PER_RANK + i for r in ranks for i in range(PER_RANK)]
    rows = [r * PER_RANK + i for r in ranks for i in ROWS[r]]
    model.choose_rows = lambda size: [batch.index(row) for row in rows]
    return (
        mock.patch('torch.rand', lambda *size, **kwargs: mask[batch]),
        mock.patch('torch.rand_like', lambda x: start[rows]),
        images(total, seed=4)[batch],
    )


def injected_gradient(rank, wrap=lambda model: model):
    """The gradient of one step on injected draws."""
    model = build_aemim(TOY, adapters=('norm', 'cls_token'), adv_ratio=0.5)
    mask, start, x = injected(rank, model)
    wrapped = wrap(model)
    with mask, start:
        losses = wrapped(x, None, mode='loss')
    total_loss(losses).backward()
    return grads(model)


def main(rank, folder):
    """Run this rank."""
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/store',
        rank=rank,
        world_size=WORLD,
    )
    torch.set_num_threads(1)
    gradient = injected_gradient(rank, DistributedDataParallel)

    model = build_aemim(TOY, adapters=('norm', 'cls_token'), adv_ratio=0.5)
    wrapped = DistributedDataParallel(model, find_unused_parameters=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    random.seed(rank)
    torch.manual_seed(rank)
    masks = []
    for step in range(2):
        x = images(PER_RANK, seed=10 * step + rank)
        losses = wrapped(x, None, mode='loss')
        optimizer.zero_grad()
        total_loss(losses).backward()
        optimizer.step()
        masks.append(losses['recon_clean'].item())
    torch.save(
        dict(
            gradient=gradient,
            parameters=model.state_dict(),
            losses=masks,
        ),
        Path(folder) / f'rank{rank}.pt',
    )


if __name__ == '__main__':
    main(int(sys.argv[1]), sys.argv[2])
