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


def in_turn(
    functions: Mapping[Name, Callable[[], Result]],
    rounds: int,
    warmup: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> dict[Name, list[Result]]:
    """Call functions in turn: A B C, A B C, ...

    What slows the machine down for a while then slows all of them.

    Args:
        functions (Mapping[Hashable, Callable]): By name.
        rounds (int): How often the result of each is kept.
        warmup (int): Rounds before that do not count. Defaults to 0.
        tick (Callable): Called after each run. Defaults to nothing.

    Returns:
        dict[Hashable, list]: Results of every round, by name.
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
    """Time functions in turn.

    Args:
        functions (Mapping[Hashable, Callable]): By name.
        rounds (int): As :func:`in_turn` takes it.
        warmup (int): Likewise. Defaults to 1.
        tick (Callable): Likewise. Defaults to nothing.

    Returns:
        dict[Hashable, list[float]]: Seconds of every round, by name.
    """
    watched = {name: partial(timed, f) for name, f in functions.items()}
    return in_turn(watched, rounds, warmup, tick)


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
