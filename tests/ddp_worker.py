# Copyright (c) aemim_mm contributors. All rights reserved.
"""One rank of the two-process tests.

Writes ``rank{RANK}.pt``: for every toy the averaged gradient of one step on
injected draws, and the parameters after two free optimizer steps.
"""

import random
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from toys import HAS_CLS_TOKEN, METHODS, batch, build_aemim, grads, total_loss

import aemim_mm  # noqa: F401

WORLD, PER_RANK = 2, 4
ROWS = [[0, 2], [1, 3]]
# One of each kind: the mask drawn in the model, in the pipeline, with a second
# view, with a teacher, with a generator, with batch norm, and with images that
# are mixed.
TOYS = [
    'MAE-DualNormViT',
    'SimMIM',
    'BEiT-v2',
    'CAE',
    'CIM',
    'SparK-ResNet',
    'MixMIM',
]
# Not with batch statistics, nor where images of a batch are mixed.
EXACT = ['MAE-DualNormViT', 'SimMIM', 'BEiT-v2', 'CAE', 'CIM']


def build(toy, sequential=False):
    """The model, with both kinds of adapters where there are both."""
    adapters = ('norm', 'cls_token') if toy in HAS_CLS_TOKEN else ('norm',)
    return build_aemim(
        toy,
        adapters=adapters,
        adv_ratio=0.5,
        sequential_backward=sequential,
    )


def some(value, rows):
    """These rows of what ``batch`` returns."""
    if value is None or isinstance(value, torch.Tensor):
        return value if value is None else value[rows]
    if isinstance(value[0], torch.Tensor):
        return [view[rows] for view in value]
    return [value[row] for row in rows]


def injected(toy, rank, model):
    """Draws of this rank as slices of the draws of the joined batch.

    ``rank=None`` is the joined batch itself.
    """
    generator = torch.Generator().manual_seed(9)
    total = WORLD * PER_RANK
    side = METHODS[toy].size
    mask = torch.rand(total, 16, generator=generator)
    start = torch.rand(total, 3, side, side, generator=generator)
    ranks = range(WORLD) if rank is None else [rank]
    images = [r * PER_RANK + i for r in ranks for i in range(PER_RANK)]
    rows = [r * PER_RANK + i for r in ranks for i in ROWS[r]]
    model.choose_rows = lambda size: [images.index(row) for row in rows]
    if toy == 'CIM':  # its tokens come from another draw
        model.sample = lambda logits: logits.argmax(-1)
    patches = ExitStack()
    for name, draw in (
        ('rand', lambda *size, **kwargs: mask[images]),
        ('rand_like', lambda x: start[rows]),
    ):
        patches.enter_context(mock.patch(f'torch.{name}', draw))
    return patches, [some(v, images) for v in batch(toy, total, seed=4)]


def injected_gradient(toy, rank, wrap=lambda model: model, sequential=False):
    """The gradient of one step on injected draws."""
    model = build(toy, sequential)
    wrapped = wrap(model)
    patches, data = injected(toy, rank, model)
    with patches:
        losses = wrapped(*data, mode='loss')
    total_loss(losses).backward()
    return grads(model)


def train(toy, rank, sequential=False):
    """Two free optimizer steps; the state and the losses."""
    model = build(toy, sequential)
    wrapped = DistributedDataParallel(
        # Every rank keeps running statistics of its own.
        model,
        find_unused_parameters=False,
        broadcast_buffers=False,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    random.seed(rank)
    torch.manual_seed(rank)
    seen = []
    for step in range(2):
        data = batch(toy, PER_RANK, seed=10 * step + rank)
        losses = wrapped(*data, mode='loss')
        optimizer.zero_grad()
        total_loss(losses).backward()
        optimizer.step()
        seen.append(losses['recon_clean'].item())
    return dict(parameters=dict(model.named_parameters()), losses=seen)


def main(rank, folder):
    """Run this rank."""
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/store',
        rank=rank,
        world_size=WORLD,
    )
    torch.set_num_threads(1)
    results = {toy: train(toy, rank) for toy in TOYS}
    for toy in EXACT:
        for key, sequential in (('gradient', False), ('sequential', True)):
            results[toy][key] = injected_gradient(
                toy, rank, DistributedDataParallel, sequential
            )
    results['sequential'] = train(TOYS[0], rank, sequential=True)
    torch.save(results, Path(folder) / f'rank{rank}.pt')
