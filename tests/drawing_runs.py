# Copyright (c) aemim_mm contributors. All rights reserved.
"""Data and runners of what draws reconstructions, in one process and two."""

import random
from types import SimpleNamespace

import numpy as np
import torch
from mmengine.dataset import default_collate
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch import distributed as dist
from toys import build_aemim, images, mae_cfg, total_loss

from aemim_mm.hooks.reconstruction_hook import ReconstructionHook
from aemim_mm.visualization import read_scalars


class Images(torch.utils.data.Dataset):
    """Sixteen images with an augmentation from all three generators."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        image = torch.full((3, 32, 32), 10.0 * index)
        image[0] += 50 * torch.rand(1)
        image[1] += 50 * random.random()
        image[2] += 50 * np.random.rand()
        return {'inputs': image, 'data_samples': DataSample()}


def train(work_dir, hooks, **options):
    """Train a tiny model; the losses of every iteration."""
    runner = Runner(
        **dict(
            model=dict(
                type='AEMIMAlgorithm',
                method='MAE',
                adv_ratio=0.5,
                **mae_cfg('DualNormViT'),
            ),
            work_dir=str(work_dir),
            train_dataloader=dict(
                batch_size=8,
                num_workers=0,
                dataset=Images(),
                sampler=dict(type='DefaultSampler', shuffle=True),
                collate_fn=dict(type='default_collate'),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=3),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1), checkpoint=None
            ),
            custom_hooks=hooks,
            visualizer=dict(
                type='Visualizer', vis_backends=[dict(type='LocalVisBackend')]
            ),
            default_scope='mmpretrain',
            randomness=dict(seed=0),
            experiment_name=f'{work_dir.name}_{work_dir.parent.name}',
            log_level='ERROR',
        )
        | options
    )
    runner.train()
    return [entry['loss'] for entry in read_scalars(work_dir)]


def fake_runner(model):
    loader = SimpleNamespace(dataset=Images(), collate_fn=default_collate)
    shown = []
    visualizer = SimpleNamespace(
        add_image=lambda name, image, step: shown.append((name, image, step))
    )
    return SimpleNamespace(
        model=model,
        train_dataloader=loader,
        visualizer=visualizer,
        shown=shown,
        epoch=0,
        max_epochs=4,
    )


def train_two_steps(rank, folder):
    """One of two processes: a step, a picture on rank 0 alone, a step."""
    dist.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    model = MMDistributedDataParallel(build_aemim('MAE-stock-backbone'))
    runner = fake_runner(model)
    hook = ReconstructionHook(num_images=2)
    hook.before_train(runner)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(2):
        losses = model(images(seed=2 * step + rank), None, mode='loss')
        optimizer.zero_grad()
        total_loss(losses).backward()
        optimizer.step()
        hook.after_train_epoch(runner)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    torch.save((weights, len(runner.shown)), f'{folder}/{rank}.pt')
