# Copyright (c) aemim_mm contributors. All rights reserved.
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import CheckpointHook, Hook, LoggerHook
from mmengine.runner import Runner, find_latest_checkpoint
from mmpretrain.registry import HOOKS
from torch import Tensor

# Above every iteration number: no bad step so far.
_NEVER = torch.iinfo(torch.int64).max


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop the run when a loss is NaN or infinite.

    In each step, the number of the first bad step of every loss is computed
    and kept on the device, so that the host does not wait. The numbers are
    read every ``interval`` steps, as often as the log is written, and before
    every checkpoint. They are reduced over all processes, so that all stop
    together. After a bad step no checkpoint is written or deleted, and
    ``last_checkpoint`` is not changed: the last checkpoint is good.

    The losses are what mmengine sums to the training loss, that is the
    outputs of ``train_step`` with ``loss`` in their names. Other outputs are
    only named in the message.

    Args:
        interval (int, optional): Steps between two readings. ``None`` takes
            the interval of the runner's ``LoggerHook``, or 100 without one.
            Defaults to None.

    Raises:
        ValueError: If ``interval`` is not a positive integer.
        FloatingPointError: During training, after a non-finite loss.
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
        self._every = self._logged = interval or 100
        # Per set of output names: the first bad step of each.
        self._first_bad: dict[tuple[str, ...], Tensor] = {}

    def before_train(self, runner: Runner) -> None:
        """Find the interval and start anew."""
        for hook in runner.hooks:
            if isinstance(hook, LoggerHook):
                self._logged = hook.interval
        if self.interval is None:
            self._every = self._logged
        self._first_bad.clear()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Note a bad step; read the notes if it is time to."""
        self._note(runner.iter, outputs or {})
        # When logs are due processes may agree to save out of turn.
        if (
            self.every_n_train_iters(runner, self._every)
            or self.every_n_train_iters(runner, self._logged)
            or any(self._saves_now(runner, hook) for hook in runner.hooks)
        ):
            self._read(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Read the notes before the checkpoint of the epoch is written."""
        self._read(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        """Read the notes before the best checkpoint may be written."""
        self._read(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse a checkpoint that other code saves after a bad step.

        The runner calls this in the main process alone, so that nothing is
        exchanged here.
        """
        step = int(self._first())
        if step != _NEVER:
            self._stop(runner, step, self._names(step))

    def _note(self, step: int, outputs: dict[str, Tensor]) -> None:
        values = {
            name: value.detach()
            for name, value in outputs.items()
            if isinstance(value, Tensor)
        }
        if not values:
            return
        device = next(iter(values.values())).device
        bad = ~torch.stack(
            [
                torch.isfinite(value).all().to(device, non_blocking=True)
                for value in values.values()
            ]
        )
        names = tuple(values)
        first = self._first_bad.get(names)
        if first is None:
            first = bad.new_full(bad.shape, _NEVER, dtype=torch.int64)
        self._first_bad[names] = torch.where(
            bad & (first == _NEVER), step, first
        )

    def _first(self) -> Tensor:
        """The first step in which a loss of this process was bad."""
        steps = [
            first[index]
            for names, first in self._first_bad.items()
            for index, name in enumerate(names)
            if 'loss' in name
        ]
        if not steps:
            return torch.tensor(_NEVER)
        return torch.stack(steps).min()

    def _names(self, step: int) -> list[str]:
        """What was bad in this process in the step."""
        return [
            name
            for names, first in self._first_bad.items()
            for name, value in zip(names, first.tolist(), strict=True)
            if value == step
        ]

    def _read(self, runner: Runner) -> None:
        first = self._first()
        all_reduce(first, op='min')
        step = int(first)
        if step == _NEVER:
            return
        names = {
            name
            for part in all_gather_object(self._names(step))
            for name in part
        }
        self._stop(runner, step, sorted(names))

    def _stop(self, runner: Runner, step: int, names: list[str]) -> None:
        last = runner.message_hub.runtime_info.get('last_ckpt')
        if last and not Path(last).exists():  # noted before it is written
            last = find_latest_checkpoint(runner.work_dir)
        resume = (
            f'resume from {last}' if last else 'start again (no checkpoint)'
        )
        raise FloatingPointError(
            f'The loss became non-finite in iteration {step + 1} (epoch '
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
