# Copyright (c) aemim_mm contributors. All rights reserved.
"""Times that can be compared on a machine that is not quiet."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import TypeVar

import torch

Name = TypeVar('Name', bound=Hashable)
Result = TypeVar('Result')


def timed(function: Callable[[], object]) -> float:
    """Seconds that a function takes; waits for the accelerator, if any."""
    _wait()
    start = time.perf_counter()
    function()
    _wait()
    return time.perf_counter() - start


def in_turn(
    functions: Mapping[Name, Callable[[], Result]],
    rounds: int,
    warmup: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> dict[Name, list[Result]]:
    """Call functions in turn: A B C, A B C, ...

    What slows the machine down for a while then slows all of them. The results
    of ``rounds`` are kept, by name; those of ``warmup`` rounds before are not.
    ``tick`` is called after each run.
    """
    results: dict[Name, list[Result]] = {name: [] for name in functions}
    for number in range(warmup + rounds):
        for name, function in functions.items():
            result = function()
            if number >= warmup:
                results[name].append(result)
            tick()
    return results


def interleave(
    functions: Mapping[Name, Callable[[], object]],
    rounds: int,
    warmup: int = 1,
    tick: Callable[[], object] = lambda: None,
) -> dict[Name, list[float]]:
    """Time functions in turn: seconds of every round, by name.

    The arguments are those of :func:`in_turn`.
    """
    watched = {name: partial(timed, f) for name, f in functions.items()}
    return in_turn(watched, rounds, warmup, tick)


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of the ratios, values by base, of the same rounds."""
    return median(v / b for v, b in zip(values, base, strict=True))


def _wait() -> None:
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
