# Copyright (c) aemim_mm contributors. All rights reserved.
"""A test run on a miniature variant: ``variant_runs.py RANK WORLD FOLDER``.

A process writes ``rank{RANK}.pt``: metrics and per-image results.
"""

import torch
import torch.distributed as dist
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from variant_trees import SYNSETS, write_image

import aemim_mm  # noqa: F401

# Images by the value of their pixels. An odd number, so that two processes
# get one image twice.
VAL = [(value, list(SYNSETS)[value % 6]) for value in range(7)]
# Pixel values of images that the classifier takes for class 6.
WRONG = {1, 3}


class Painted(BaseModel):
    """A classifier that knows the class of every pixel value but `WRONG`."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(64, 1000, generator=generator)
        known = [(value, SYNSETS[name]) for value, name in VAL]
        for value, label in known:
            self.table[value, 6 if value in WRONG else label] += 10

    def forward(self, inputs, data_samples, mode='predict'):
        for image, sample in zip(inputs, data_samples, strict=True):
            sample.set_pred_score(self.table[int(image[0, 0, 0])].softmax(0))
        return data_samples


def write_trees(folder):
    """Write the images; PNG keeps the values."""
    for value, name in VAL:
        path = folder / 'val' / name / f'ILSVRC2012_val_{50 - value:08d}.png'
        write_image(path, (8, 8), value)


def evaluate(folder):
    """Metrics and per-image results of mmengine's test loop."""
    MODELS.register_module(module=Painted, force=True)
    runner = Runner(
        model=dict(type='Painted'),
        work_dir=str(folder / f'{dist.is_initialized()}'),
        default_scope='mmpretrain',
        experiment_name='val',
        test_dataloader=dict(
            batch_size=2,
            dataset=dict(
                type='ImageNetVariant',
                data_root=str(folder / 'val'),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='PackInputs'),
                ],
            ),
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        test_cfg=dict(),
        test_evaluator=[
            dict(type='SubsetAccuracy', topk=(1, 5)),
            dict(type='RealAccuracy'),
        ],
        default_hooks=dict(checkpoint=None),
        log_level='ERROR',
    )
    results = {'metrics': runner.test()}
    for metric in runner.test_evaluator.metrics:
        found = metric.keys, metric.per_image.tolist()
        results[type(metric).__name__] = found
    return results


def main(rank, folder):
    """Run one process."""
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/store',
        rank=rank,
        world_size=2,
    )
    torch.set_num_threads(1)
    torch.save(evaluate(folder), folder / f'rank{rank}.pt')
