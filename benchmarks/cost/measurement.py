# Copyright (c) aemim_mm contributors. All rights reserved.
"""Everything about the cost of some configs, relative to the first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ..process import progress_bar
from ..timing import interleave, median_ratio
from ..trainee import Trainee
from .attack_share import attack_shares
from .cost_model import Parts, floor
from .cost_row import CostRow
from .parts import count_parts, shape_of, time_parts
from .peak import peak_memory
from .profile import profile_steps

# How often each part is timed, the attack's share measured, and a step
# profiled.
PART_ROUNDS = 3
SHARE_ROUNDS = 3
PROFILE_ROUNDS = 3
NUM_PARTS = 6
# Operations are those of a batch and those of each image, which two counts
# tell apart.
COUNTED_IMAGES = (2, 4)


@dataclass(frozen=True)
class Settings:
    """How it is measured; the rest is as :class:`Trainee` takes it."""

    batch_size: int = 32  # images of a step
    iters: int = 8  # steps of each model that count
    warmup: int = 3  # steps before them that do not
    precision: str = 'fp32'
    # changes to all configs
    cfg_options: Mapping[str, Any] = field(default_factory=dict)
    # to all configs but the base
    own_options: Mapping[str, Any] = field(default_factory=dict)
    channels_last: bool = False
    compiled: bool = False
    memory: bool = True  # whether peak memory is measured
    # whether the parts of a step are timed, too; else the floor by times and
    # the attack's share are None
    parts: bool = True
    profile: bool = False  # whether steps are profiled

    def of(self, path: str, is_base: bool) -> dict[str, Any]:
        """The arguments of :class:`Trainee`, for the config of a path."""
        own = {} if is_base else self.own_options
        return dict(
            config=path,
            batch_size=self.batch_size,
            precision=self.precision,
            cfg_options={**self.cfg_options, **own},
            channels_last=self.channels_last,
            compiled=self.compiled,
        )


def measure(paths: Sequence[str], settings: Settings) -> list[CostRow]:
    """Measure configs, the base first: memory one by one, times in turn.

    All configs are built once before anything is measured.
    """
    names = names_of(paths)
    arguments = [
        settings.of(path, is_base=index == 0)
        for index, path in enumerate(paths)
    ]
    counts = {}
    for name, kwargs in zip(names, arguments, strict=True):
        counted = _count(**kwargs)
        if counted is not None:
            counts[name] = counted
    peaks = [
        peak_memory(**kwargs) if settings.memory else None
        for kwargs in arguments
    ]
    trainees = {
        name: Trainee(**kwargs)
        for name, kwargs in zip(names, arguments, strict=True)
    }
    runs = settings.iters + settings.warmup
    if settings.parts:
        runs += SHARE_ROUNDS
    if settings.profile:
        runs += PROFILE_ROUNDS
    part_runs = NUM_PARTS * PART_ROUNDS * len(counts) * settings.parts
    seconds, shares, kinds = {}, {}, {}
    with progress_bar(len(names) * runs + part_runs) as bar:
        steps = interleave(
            {name: trainee.step for name, trainee in trainees.items()},
            settings.iters,
            settings.warmup,
            bar.update,
        )
        if settings.parts:
            seconds = time_parts(trainees, PART_ROUNDS, bar.update)
            shares = attack_shares(trainees, SHARE_ROUNDS, bar.update)
        if settings.profile:
            kinds = profile_steps(trainees, PROFILE_ROUNDS, bar.update)
    floors = [
        {name: floor(parts[name], shape_of(trainees[name])) for name in parts}
        for parts in (counts, seconds)
    ]
    base = names[0]
    operations, times = (
        {name: value / values[base] for name, value in values.items()}
        if base in values
        else {}
        for values in floors
    )
    ratios = {name: median_ratio(steps[name], steps[base]) for name in names}
    return [
        CostRow(
            name=name,
            seconds=median(steps[name]),
            images_per_second=settings.batch_size / median(steps[name]),
            ratio=ratios[name],
            whole_run=_whole_run(ratios[name], trainees[name], trainees[base]),
            floor_operations=operations.get(name),
            floor_times=times.get(name),
            attack_share=shares.get(name),
            peak_bytes=peak,
            peak_ratio=None if peak is None else peak / peaks[0],
            parts_operations=asdict(counts[name]) if name in counts else None,
            parts_seconds=asdict(seconds[name]) if name in seconds else None,
            step_seconds=steps[name],
            kinds_seconds=kinds.get(name),
        )
        for name, peak in zip(names, peaks, strict=True)
    ]


def _whole_run(ratio: float, trainee: Trainee, base: Trainee) -> float | None:
    if trainee.epochs is None or base.epochs is None:
        return None
    return ratio * trainee.epochs / base.epochs


def _count(batch_size: int, compiled: bool, **kwargs: Any) -> Parts | None:
    """Count on few images; the counter does not see into compiled code."""
    few, more = COUNTED_IMAGES
    parts = [
        count_parts(Trainee(batch_size=images, **kwargs))
        for images in COUNTED_IMAGES
    ]
    if None in parts:
        return None
    low, high = map(asdict, parts)
    steps = (batch_size - few) / (more - few)
    return Parts(**{k: low[k] + steps * (high[k] - low[k]) for k in low})


def names_of(paths: Sequence[str]) -> list[str]:
    """Short names of configs, all different.

    File names, with a number where two are the same.
    """
    names = [Path(path).stem for path in paths]
    return [
        name if names.count(name) == 1 else f'{name} ({number})'
        for number, name in enumerate(names)
    ]
