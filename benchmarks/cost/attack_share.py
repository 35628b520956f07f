# Copyright (c) aemim_mm contributors. All rights reserved.
"""How much of a step's time the attack takes."""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

from aemim_mm.algorithms import AEMIMAlgorithm

from ..timing import in_turn, timed
from ..trainee import Trainee


def attack_shares(
    trainees: Mapping[str, Trainee],
    rounds: int,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Measure the share of the attack in a step of several models, in turn.

    Medians of ``rounds`` steps of each, in [0, 1], by the models' names;
    ``tick`` is called after each step.
    """
    runs = {name: partial(attack_share, t) for name, t in trainees.items()}
    found = in_turn(runs, rounds, tick=tick)
    return {name: median(shares) for name, shares in found.items()}


def attack_share(trainee: Trainee) -> float:
    """The share of the attack in the time of one step, in [0, 1].

    It is 0 for a stock algorithm.
    """
    if not isinstance(trainee.model, AEMIMAlgorithm):
        return 0.0
    watch = _Watch(trainee.model.attack)
    with patch.object(trainee.model, 'attack', watch):
        seconds = timed(trainee.step)
    return watch.seconds / seconds


class _Watch:
    """An attack that is timed."""

    def __init__(self, attack: Callable) -> None:
        self.attack = attack
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.attack, name)

    def __call__(self, *args, **kwargs):
        result = []
        self.seconds += timed(
            lambda: result.append(self.attack(*args, **kwargs))
        )
        return result[0]
