# Copyright (c) aemim_mm contributors. All rights reserved.
"""Times that can be compared on a machine that is not quiet."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import median

import torch


def timed(function: Callable[[], object]) -> float:
    """Run something and wait for the accelerator, if there is one.

    Args:
        function (Callable): Called without arguments.

    Returns:
        float: Seconds.
    """
    _wait()
    start = time.perf_counter()
    function()
    _wait()
    return time.perf_counter() - start


def interleave(
    functions: Mapping[Hashable, Callable[[], object]],
    rounds: int,
    warmup: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> dict[Hashable, list[float]]:
    """Time functions in turn: A B C, A B C, ...

    What slows the machine down for a while then slows all of them.

    Args:
        functions (Mapping[Hashable, Callable]): By name.
        rounds (int): How often each is timed.
        warmup (int): Rounds before that are not counted. Defaults to 1.
        tick (Callable): Called after each run. Defaults to nothing.

    Returns:
        dict[Hashable, list[float]]: Seconds of every round, by name.
    """
    seconds: dict[Hashable, list[float]] = {n: [] for n in functions}
    for number in range(warmup + rounds):
        for name, function in functions.items():
            value = timed(function)
            if number >= warmup:
                seconds[name].append(value)
            tick()
    return seconds


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of the rounds' ratios.

    Args:
        values (Sequence[float]): Seconds of each round.
        base (Sequence[float]): Those of the base in the same rounds.

    Returns:
        float: values / base.
    """
    return median(v / b for v, b in zip(values, base, strict=True))


def _wait() -> None:
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
