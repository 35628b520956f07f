# Copyright (c) aemim_mm contributors. All rights reserved.
"""One rank of the two-process attacks.

Writes ``rank{RANK}.pt``: what :func:`evaluate` returns.
"""

from pathlib import Path

import torch
import torch.distributed as dist
from attack_toys import small_classifier, small_images
from mmengine.dataset import DefaultSampler, default_collate
from mmpretrain.structures import DataSample
from torch.utils.data import DataLoader

from aemim_mm.attacks import PGDAttack
from aemim_mm.evaluation import (
    minimal_epsilons,
    pixel_batches,
    robust_accuracy,
)

WORLD = 2
EPSILONS = [0, 2 / 255, 4 / 255, 8 / 255]
# Odd, so that the sampler of two processes pads.
COUNT = 9
# Few steps: where an image starts decides about it.
ATTACK = PGDAttack(num_steps=3, seed=1)


class Images(torch.utils.data.Dataset):
    """Images in whole pixel values, BGR, one of them with a wrong label."""

    def __init__(self):
        x, y = small_images(COUNT)
        self.images = (255 * x).round().byte().flip(1)
        y[4] = (y[4] + 1) % 5
        self.labels = y.tolist()

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        sample = DataSample(metainfo=dict(sample_idx=index))
        sample.set_gt_label(self.labels[index])
        return dict(inputs=self.images[index], data_samples=sample)


def evaluate(batch_size, shuffle=False):
    """Both evaluations, over what this process' sampler deals out."""
    dataset = Images()
    loader = DataLoader(
        dataset,
        batch_size,
        sampler=DefaultSampler(dataset, shuffle=shuffle, seed=5),
        collate_fn=default_collate,
    )
    model = small_classifier()
    accuracy = robust_accuracy(model, pixel_batches(loader), ATTACK, EPSILONS)
    minimal = minimal_epsilons(model, pixel_batches(loader), ATTACK)
    return dict(
        indices=accuracy.indices,
        correct=accuracy.correct,
        top1=accuracy.top1(),
        minimal_indices=minimal.indices,
        minimal=minimal.epsilons,
    )


def main(rank, folder):
    """Run a rank."""
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/store',
        rank=rank,
        world_size=WORLD,
    )
    torch.set_num_threads(1)
    torch.save(evaluate(batch_size=2), Path(folder) / f'rank{rank}.pt')
    dist.destroy_process_group()
