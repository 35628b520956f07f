# Copyright (c) aemim_mm contributors. All rights reserved.
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner, find_latest_checkpoint
from mmpretrain.registry import HOOKS
from torch import Tensor

from ..checkpoints.fit import not_finite
from .load_target import unwrap
from .logger_interval import logger_interval

# Above every iteration number: no bad step so far.
_NEVER = torch.iinfo(torch.int64).max


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop the run when a loss is NaN or infinite.

    In each step the values are copied into one tensor on their device, so that
    the host does not wait. They are looked at every ``interval`` steps and
    before every checkpoint, and the step of the first bad one is reduced over
    all processes, so that all stop together. After a bad step no checkpoint
    is written or deleted, and ``last_checkpoint`` is not changed: the last
    checkpoint is good. Before a checkpoint the weights are looked at, too: a
    bad gradient shows in no loss before the next step.

    The losses are what mmengine sums to the training loss, that is the
    outputs of ``train_step`` with ``loss`` in their names. Other outputs are
    only named in the message.

    Args:
        interval (int, optional): Steps between two readings. ``None`` takes
            the interval of the runner's ``LoggerHook``, or 100 without one.
            Defaults to None.

    Raises:
        ValueError: If ``interval`` is not a positive integer.
        FloatingPointError: During training, after a non-finite loss, or
            before a checkpoint of weights that are not finite.
    """

    # Before CheckpointHook (VERY_LOW) in each of the events they share.
    priority = 'HIGH'

    def __init__(self, interval: int | None = None) -> None:
        if interval is not None and (
            not isinstance(interval, int) or interval < 1
        ):
            raise ValueError(
                'NonFiniteLossHook.interval must be a positive number of '
                f'steps or None, but got {interval!r}.'
            )
        self.interval = interval
        self._every = interval or 0
        # Since the last reading: a step, the names of its outputs, and these.
        self._notes: list[tuple[int, tuple[str, ...], Tensor]] = []
        self._last_step: int | None = None

    def before_train(self, runner: Runner) -> None:
        """Find the interval and start anew."""
        self._every = self.interval or logger_interval(runner)
        self._notes.clear()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Note what the step gave; read the notes if it is time to."""
        self._last_step = runner.iter
        self._note(runner.iter, outputs or {})
        if any(self._saves_now(runner, hook) for hook in runner.hooks):
            self.check(runner)
        elif self.every_n_train_iters(runner, self._every):
            self.read(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Check before the checkpoint of the epoch is written."""
        self.check(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """Check before the best checkpoint may be written."""
        self.check(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse a checkpoint that other code saves after a bad step.

        The runner calls this in the main process alone, so that nothing is
        exchanged here.
        """
        step, names = self._first()
        if step != _NEVER:
            self._stop(runner, step, names)

    def check(self, runner: Runner) -> None:
        """Stop if a loss or a weight is bad: all processes have to call this.

        Raises:
            FloatingPointError: If a loss was not finite, or a weight is not.
        """
        self.read(runner)
        if self._last_step is None:
            return
        # Not the buffers, which may hold an infinite number on purpose.
        bad = not_finite(dict(unwrap(runner.model).named_parameters()))
        # Alike in all processes.
        if bad:
            self._stop(runner, self._last_step, bad[:5], 'weights')

    def read(self, runner: Runner) -> None:
        """Stop if a step was bad in any process: all have to call this.

        Raises:
            FloatingPointError: If a loss was not finite.
        """
        step, names = self._first()
        first = torch.tensor(step)
        all_reduce(first, op='min')
        if int(first) == _NEVER:
            self._notes.clear()
            return
        parts = all_gather_object(names if step == int(first) else [])
        self._stop(runner, int(first), sorted({n for p in parts for n in p}))

    def _note(self, step: int, outputs: dict[str, Tensor]) -> None:
        values = {
            name: value.detach()
            for name, value in outputs.items()
            if isinstance(value, Tensor)
        }
        if not values:
            return
        device = next(iter(values.values())).device
        # Times 0, what is not finite is NaN, and so is the sum.
        row = torch.stack(
            [
                ((v * 0).sum() if v.ndim else v).to(device, non_blocking=True)
                for v in values.values()
            ]
        )
        self._notes.append((step, tuple(values), row))

    def _first(self) -> tuple[int, list[str]]:
        """The first bad step of this process, and what was bad in it."""
        if not self._notes:
            return _NEVER, []
        # The host waits for the device once.
        rows = torch.cat([row for _, _, row in self._notes])
        bad = iter(rows.isfinite().logical_not().tolist())
        for step, names, _ in self._notes:
            found = [name for name in names if next(bad)]
            if any('loss' in name for name in found):
                return step, found
        return _NEVER, []

    def _stop(
        self,
        runner: Runner,
        step: int,
        names: list[str],
        what: str = 'loss',
    ) -> None:
        last = runner.message_hub.runtime_info.get('last_ckpt')
        if last and not Path(last).exists():  # noted before it is written
            last = find_latest_checkpoint(runner.work_dir)
        resume = (
            f'resume from {last}' if last else 'start again (no checkpoint)'
        )
        raise FloatingPointError(
            f'The {what} became non-finite in iteration {step + 1} (epoch '
            f'{runner.epoch + 1}): {", ".join(names)}. The run stops; nothing '
            f'was saved since. To continue, {resume} with a change: a lower '
            'learning rate or a longer warm-up; bfloat16 or float32 instead '
            'of float16; gradient clipping, optim_wrapper.clip_grad='
            'dict(max_norm=1.0).'
        )

    def _saves_now(self, runner: Runner, hook: Hook) -> bool:
        if not isinstance(hook, CheckpointHook) or hook.by_epoch:
            return False
        return self.every_n_train_iters(
            runner, hook.interval, hook.save_begin
        ) or (hook.save_last and self.is_last_train_iter(runner))


def read_losses(runner: Runner) -> None:
    """What all processes call before a checkpoint out of turn.

    Raises:
        FloatingPointError: If a loss was not finite in one of them, or a
            weight is not.
    """
    for hook in runner.hooks:
        if isinstance(hook, NonFiniteLossHook):
            hook.check(runner)
