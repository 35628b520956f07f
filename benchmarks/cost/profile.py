# Copyright (c) aemim_mm contributors. All rights reserved.
"""What kinds of operations a step spends its time in."""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from ..timing import in_turn
from ..trainee import Trainee

# Kinds by parts of the operators' names; the first that fits counts.
OPTIMIZER, OTHER = 'optimizer', 'other'
KINDS = {
    'attention': ('attention',),
    'matrix products': ('mm', 'convolution', 'conv2d', 'linear'),
    'GELU': ('gelu',),
    'norm': ('layer_norm', 'batch_norm'),
}
KIND_NAMES = [*KINDS, OPTIMIZER, OTHER]


def profile_steps(
    trainees: Mapping[str, Trainee],
    rounds: int,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, dict[str, float]]:
    """Profile training steps of several models, all in turn.

    Seconds by kind of operation, medians of ``rounds`` steps, by the models'
    names: on an accelerator those of its kernels. ``tick`` is called after
    each step.
    """
    runs = {name: partial(profile_step, t) for name, t in trainees.items()}
    found = in_turn(runs, rounds, tick=tick)
    return {
        name: {
            kind: median(step[kind] for step in steps) for kind in KIND_NAMES
        }
        for name, steps in found.items()
    }


def profile_step(trainee: Trainee) -> dict[str, float]:
    """Profile one training step: seconds by kind of :data:`KIND_NAMES`."""
    activities = [ProfilerActivity.CPU]
    on_device = torch.cuda.is_available()
    if on_device:
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities, acc_events=True) as profiler:
        trainee.step()
    seconds = dict.fromkeys(KIND_NAMES, 0.0)
    for event in profiler.events():
        # What ran on the device is found at the operators that started it.
        if event.device_type != DeviceType.CPU:
            continue
        time = (
            event.self_device_time_total
            if on_device
            else event.self_cpu_time_total
        )
        seconds[kind_of(event)] += time / 1e6
    return seconds


def kind_of(event: FunctionEvent) -> str:
    """The kind of an operator, one of :data:`KIND_NAMES`."""
    ancestor = event
    while ancestor is not None:
        if ancestor.name.startswith('Optimizer.step'):
            return OPTIMIZER
        ancestor = ancestor.cpu_parent
    for kind, names in KINDS.items():
        if any(name in event.name for name in names):
            return kind
    return OTHER
