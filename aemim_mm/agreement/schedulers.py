# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do the parameter schedulers fit the length of the run?"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..utils import type_name
from .disagreement import Disagreement
from .run import Run
from .settings import schedulers


@dataclass(frozen=True)
class Span:
    """The part of a run in which one scheduler sets the learning rate.

    Attributes:
        key (str): Its place in the config.
        scheduler (Mapping): Its config.
        step (int): What its numbers count, in the unit of the run.
        length (int): Length of the run in that unit.
    """

    key: str
    scheduler: Mapping
    step: int
    length: int

    @property
    def kind(self) -> str:
        """Type without scope."""
        return type_name(self.scheduler.get('type'))

    @property
    def is_cosine(self) -> bool:
        """Whether it falls for ``T_max`` and would rise after it."""
        return self.kind in ('CosineAnnealingLR', 'WholeRunCosineLR')

    @property
    def begin(self) -> int:
        """First iteration, or epoch."""
        return int(self.scheduler.get('begin', 0) * self.step)

    @property
    def end(self) -> int:
        """The one after the last; without ``end`` that of the run."""
        if self.scheduler.get('end') is not None:
            return int(self.scheduler['end'] * self.step)
        if self.kind == 'OneCycleLR' and self.scheduler.get('total_steps'):
            return self.begin + self.scheduler['total_steps'] * self.step
        return max(self.length, self.begin)

    @property
    def warms_up(self) -> bool:
        """Whether it leads from a smaller rate to the full one."""
        first = self.scheduler.get('start_factor', 1 / 3)
        last = self.scheduler.get('end_factor', 1.0)
        factor = self.scheduler.get('factor', 1 / 3)
        rises = (self.kind == 'LinearLR' and first < last) or (
            self.kind == 'ConstantLR' and factor < 1
        )
        return self.begin == 0 and rises


def schedulers_are_stepped(run: Run) -> None:
    """A scheduler that counts epochs needs a loop that counts them."""
    if run.by_epoch or 'train' not in run.phases:
        return
    for key, scheduler in schedulers(run.cfg):
        if scheduler.get('by_epoch', True):
            iterations = run.section('train_cfg').get('max_iters')
            kind = type_name(scheduler.get('type'))
            raise Disagreement(
                f'{key} ({kind}) counts epochs (by_epoch=True), '
                f'but train_cfg counts iterations (max_iters={iterations}): '
                'it would have no effect. Set by_epoch=False, and begin, end '
                'and T_max in iterations.'
            )


def schedule_fits_run(run: Run) -> None:
    """Warm-up and decay cover the run; an end after the run's is said."""
    unit, spans = _spans(run)
    if not spans:
        return
    length = spans[0].length
    whole = f'the run has {length} {unit}s'
    way_out = (
        'Set begin, end and T_max of the schedulers for this train_cfg, such '
        f'as --cfg-options {spans[-1].key}.end=N.'
    )
    for span in spans:
        if span.end <= span.begin and span.scheduler.get('end') is not None:
            raise Disagreement(
                f'{span.key} begins at {unit} {span.begin} and ends at '
                f'{span.end}: the end must be larger. {way_out}'
            )
        if span.warms_up and 'end' in span.scheduler and span.end > length:
            raise Disagreement(
                f'{span.key}: the warm-up ends at {unit} {span.end}, but '
                f'{whole}, in which the full learning rate is not reached. '
                f'{way_out}'
            )
        period = span.step * (span.scheduler.get('T_max') or length)
        start = 0 if span.kind == 'WholeRunCosineLR' else span.begin
        active = min(span.end, length) - start
        if span.is_cosine and 0 < period < active:
            raise Disagreement(
                f'{span.key}: T_max is {period} {unit}s, but {whole}, of '
                f'which this cosine has {active}: the learning rate would '
                f'rise again from {unit} {start + period}. {way_out}'
            )
    left = _uncovered(spans)
    if left:
        times = run.iterations_per_epoch if unit == 'epoch' else None
        iterations = (
            f' (iterations {left[0] * times} to {left[1] * times})'
            if times
            else ''
        )
        raise Disagreement(
            f'No scheduler of param_scheduler covers {unit}s {left[0]} to '
            f'{left[1]}{iterations}, but {whole}: the learning rate would '
            'stay where it is. A rate that is meant to stay is written '
            "dict(type='ConstantLR', factor=1, begin=B, end=E). "
            f'{way_out}'
        )
    late = [f'{s.key} at {unit} {s.end}' for s in spans if s.end > length]
    if late:
        run.notes.append(
            f'The schedule ends after the run ({", ".join(late)}), but '
            f'{whole}: the learning rate does not reach its final value.'
        )


def _uncovered(spans: list[Span]) -> tuple[int, int] | None:
    """The first part that no scheduler covers.

    After a warm-up without anything else the rate is meant to be constant.
    """
    if all(span.warms_up for span in spans):
        return None
    reached = 0
    for span in sorted(spans, key=lambda span: span.begin):
        if span.begin > reached:
            break
        reached = max(reached, span.end)
    following = [span.begin for span in spans if span.begin > reached]
    end = min([*following, spans[0].length])
    return (reached, end) if reached < end else None


def _spans(run: Run) -> tuple[str, list[Span]]:
    """The unit of the run, and its schedulers of learning rates.

    The unit is 'epoch' where all count epochs, else 'iteration'. None are
    given where the length of the run is not known.
    """
    rates = [
        (key, scheduler)
        for key, scheduler in schedulers(run.cfg)
        if type_name(scheduler.get('type')).endswith('LR')
    ]
    if 'train' not in run.phases or not rates:
        return 'epoch', []
    in_epochs = [s.get('by_epoch', True) for _, s in rates]
    unit = 'epoch' if all(in_epochs) else 'iteration'
    step = 1 if unit == 'epoch' else run.iterations_per_epoch
    length = run.length(by_epoch=unit == 'epoch')
    if length is None or (step is None and any(in_epochs)):
        return unit, []
    return unit, [
        Span(key, scheduler, step if by_epoch and step else 1, length)
        for (key, scheduler), by_epoch in zip(rates, in_epochs, strict=True)
    ]
