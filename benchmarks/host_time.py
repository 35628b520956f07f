# Copyright (c) aemim_mm contributors. All rights reserved.
"""The host's work in a step: what it costs to start the operations.

The tensors are so small that computing takes next to no time. What is left
is Python and the dispatch of operations, which a fast GPU waits for.
"""

import cProfile
import io
import pstats
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mmengine.config import Config

from .host_models import MODELS, STOCK
from .image_size import size_options
from .timing import interleave, median_ratio
from .trainee import Trainee

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
BATCH_SIZE = 4
IMAGE_SIZE = 64
WIDTH = 16
NUM_HEADS = 4
# Steps that are profiled together, and functions that are shown.
PROFILED_STEPS = 10
NUM_FUNCTIONS = 40
HEADER = ['model', 'ms / step', 'ratio']


@dataclass(frozen=True)
class HostRow:
    """A model's time."""

    name: str
    seconds: float  # a step, median
    ratio: float  # step to stock MAE's step, median over rounds
    step_seconds: Sequence[float]  # every round

    def cells(self) -> list[str]:
        """The row's cells under :data:`HEADER`."""
        return [self.name, f'{1000 * self.seconds:.1f}', f'{self.ratio:.2f}']


def tiny(name: str) -> Trainee:
    """A model of :data:`MODELS`: ViT-S/16's layers, next to no width.

    It has a batch of :data:`BATCH_SIZE` images.
    """
    config, own_options = MODELS[name]
    path = str(CONFIGS / config)
    arch = dict(
        _delete_=True,  # what is there is a name
        embed_dims=WIDTH,
        num_layers=12,
        num_heads=NUM_HEADS,
        feedforward_channels=4 * WIDTH,
    )
    options: dict[str, Any] = {
        **size_options(Config.fromfile(path), IMAGE_SIZE),
        'model.backbone.arch': arch,
        'model.neck.embed_dim': WIDTH,
        'model.neck.decoder_embed_dim': WIDTH,
        'model.neck.decoder_num_heads': NUM_HEADS,
        # Stock MAE's own optimizer starts ten operations per weight: not what
        # is compared here.
        'optim_wrapper.optimizer.fused': True,
        **own_options,
    }
    return Trainee(path, BATCH_SIZE, cfg_options=options)


def measure_host(
    rounds: int, warmup: int, tick: Callable[[], object] = lambda: None
) -> list[HostRow]:
    """Time steps of all models in turn, in the order of :data:`MODELS`.

    Of each, ``rounds`` steps count, and ``warmup`` steps before them do not;
    ``tick`` is called after each.
    """
    steps = {name: tiny(name).step for name in MODELS}
    seconds = interleave(steps, rounds, warmup, tick)
    return [
        HostRow(
            name=name,
            seconds=median(seconds[name]),
            ratio=median_ratio(seconds[name], seconds[STOCK]),
            step_seconds=seconds[name],
        )
        for name in MODELS
    ]


def profile_host(name: str, warmup: int) -> str:
    """Which Python functions the time of a model's steps goes to.

    Those with the most time, that of what they call included, over
    :data:`PROFILED_STEPS` steps after ``warmup`` ones.
    """
    trainee = tiny(name)
    for _ in range(warmup):
        trainee.step()
    with cProfile.Profile() as profile:
        for _ in range(PROFILED_STEPS):
            trainee.step()
    text = io.StringIO()
    stats = pstats.Stats(profile, stream=text).strip_dirs()
    stats.sort_stats('cumulative').print_stats(NUM_FUNCTIONS)
    return text.getvalue()
