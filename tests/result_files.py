# Copyright (c) aemim_mm contributors. All rights reserved.
"""Contents of results.json, with and without results of single images."""

import json

import numpy as np
import torch

from aemim_mm.evaluation import MinimalEpsilons
from aemim_mm.robustness.scores import ALEXNET_ERRORS, corruption_scores
from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES

FGSM = ('0', '1', '2', '4', '8')


def attack(top1, images=5000, budgets=FGSM):
    """Part 'fgsm' or 'pgd'."""
    entry = dict(zip(budgets, top1, strict=True))
    return {**entry, 'average': sum(top1) / len(top1), 'images': images}


def corruptions(mce=None, images=50000, error=40.0, **options):
    """Part 'c': CEs that are all ``mce``, or errors that are all equal."""
    cells = {
        name: {
            severity: error if mce is None else mce * ALEXNET_ERRORS[name]
            for severity in SEVERITIES
        }
        for name in CORRUPTIONS
    }
    scores = corruption_scores(cells, **options)
    return {**scores, 'images': images}


def paper(name, iid, ood, mce, score, fgsm):
    """A row of Tables 4, 5 and 6 of the paper."""
    parts = dict(zip(('imagenet', 'real', 'v2'), iid, strict=True))
    parts.update(zip(('a', 'r', 'sketch'), ood, strict=True))
    images = dict(
        imagenet=50000, real=46837, v2=10000, a=7500, r=30000, sketch=50889
    )
    return dict(
        model=name,
        **{
            part: dict(top1=top1, images=images[part])
            for part, top1 in parts.items()
        },
        c=corruptions(mce),
        score=score,
        fgsm=attack(fgsm),
    )


# ViT-B/16, 1600 and 800 epochs
MAE = paper(
    'MAE 1600',
    (83.6, 88.2, 73.2),
    (35.9, 48.3, 34.5),
    51.7,
    41.8,
    (83.6, 42.8, 38.4, 35.2, 33.0),
)
AEMIM = paper(
    'AEMIM 800',
    (83.8, 88.5, 74.0),
    (38.0, 50.6, 36.5),
    49.3,
    44.0,
    (83.8, 44.3, 38.7, 35.3, 32.1),
)


def grey(model, images=1000, seed=0, **parts):
    """Results in another label space, with a curve."""
    generator = torch.Generator().manual_seed(seed)
    epsilons = 0.01 * torch.rand(images, generator=generator).double()
    epsilons[:100] = 0
    found = MinimalEpsilons(torch.arange(images), epsilons)
    grid = [0.0, 0.002, 0.004, 0.02]
    results = dict(
        model=model,
        imagenet=dict(top1=84.7, images=10000),
        c=corruptions(images=images, error=30.0, imagenet_1k=False),
        pgd=attack([84.0, 50.0, 20.0, 0.0, 0.0], images),
        curve=dict(
            grid=dict(eps=grid, top1=found.curve(grid)),
            images=images,
            minimal_eps='minimal.npz',
        ),
        score=None,
        **parts,
    )
    return results, found


def write(folder, results, minimal=None, per_image=None, sha256='same'):
    """A folder as the suite leaves it; the path of its results.json."""
    folder.mkdir(parents=True, exist_ok=True)
    if minimal is not None:
        minimal.save(folder / results['curve']['minimal_eps'])
    if per_image is not None:
        arrays = {
            name: np.asarray(values, dtype=np.int8)
            for name, values in per_image.items()
        }
        np.savez_compressed(folder / 'per_image.npz', **arrays)
        results = dict(
            results,
            per_image=dict(
                file='per_image.npz', data={name: 'val' for name in arrays}
            ),
            data=dict(val=dict(sha256=sha256)),
        )
    path = folder / 'results.json'
    path.write_text(json.dumps(results))
    return path
