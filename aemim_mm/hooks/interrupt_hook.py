# Copyright (c) aemim_mm contributors. All rights reserved.
import math
import signal as signals
import threading
import time
from types import FrameType
from typing import Any

import torch
from mmengine.dist import all_reduce, barrier, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from aemim_mm_cli.interruption import (
    TRY_AGAIN,
    Interrupted,
    check_received,
)

from .logger_interval import logger_interval
from .non_finite_hook import read_losses


@HOOKS.register_module()
class InterruptHook(Hook):
    """Save and stop when a scheduler's signal asks for it.

    The process exits with code 75, so that a job script can tell it from a
    run that is finished (0) or has failed. Where it stops:

    - In an epoch-based run at the end of the epoch, where a checkpoint is
      written whatever its interval: the resumed run equals one that was never
      stopped. If the end does not come within ``grace``, by the mean time of
      this epoch's iterations, the run stops at once and the latest checkpoint
      is that of an earlier epoch.
    - In an iteration-based run after the iteration, with a checkpoint. The
      resumed run has lost no iteration, but draws other random numbers.

    The validation that would follow the checkpoint is left out. If the last
    epoch or iteration is the one to be saved, the run ends as usual.

    One process looks at its flag after every iteration. Several agree every
    ``interval`` iterations and at the end of an epoch, and stop together; in
    between, nothing is exchanged. A signal to one of them is enough.

    Args:
        signal (str): Name of the signal. Defaults to 'SIGUSR1'.
        grace (float): Seconds from the signal to the end of the job, as in
            SLURM's ``--signal=USR1@120``. Defaults to 120.
        interval (int, optional): Iterations between two agreements of several
            processes. ``None`` takes the interval of the runner's
            ``LoggerHook``, or 100 without one. Defaults to None.

    Raises:
        ValueError: If there is no such signal or a number is not positive.
        SystemExit: During training, with code 75, after the signal.
    """

    # After the CheckpointHook (VERY_LOW): what it saves is saved.
    priority = 'LOWEST'

    def __init__(
        self,
        signal: str = 'SIGUSR1',
        grace: float = 120,
        interval: int | None = None,
    ) -> None:
        if signal not in signals.Signals.__members__:
            raise ValueError(
                f'InterruptHook.signal: {signal!r} is not a signal of this '
                "system; write it as 'SIGUSR1'."
            )
        if grace <= 0 or (interval is not None and interval < 1):
            raise ValueError(
                'InterruptHook.grace and interval must be positive, but got '
                f'{grace} and {interval}.'
            )
        self.signal = signals.Signals[signal]
        self.grace = grace
        self.interval = interval
        self._every = interval or 0
        self._before: Any = None
        self._asked = math.inf
        self._epoch_begin = 0.0

    def before_train(self, runner: Runner) -> None:
        """Wait for the signal from now on."""
        self._every = self.interval or logger_interval(runner)
        self._asked = math.inf
        # Elsewhere Python refuses to.
        if threading.current_thread() is threading.main_thread():
            self._before = signals.signal(self.signal, self._note)

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin to measure the epoch."""
        self._epoch_begin = time.monotonic()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Save and stop, if it is asked for, can be done and is agreed on."""
        check_received()
        if get_world_size() > 1 and not self.every_n_train_iters(
            runner, self._every
        ):
            return
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        needed = 0.0
        if not by_iter:
            taken = time.monotonic() - self._epoch_begin
            left = len(runner.train_dataloader) - batch_idx - 1
            needed = taken / (batch_idx + 1) * left
        end = self._asked + self.grace
        # Of all processes the least: all decide alike.
        spare = self._least(end - time.monotonic() - needed)
        if by_iter:
            if spare < math.inf and not self.is_last_train_iter(runner):
                self._save_and_stop(runner, by_epoch=False)
        elif spare < 0:
            self._stop(
                runner,
                f'the end of the epoch is {needed:.0f} s away, too far for '
                'a checkpoint',
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Save and stop, if it is asked for."""
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            return
        asked = self._least(self._asked) < math.inf
        if asked and not self.is_last_train_epoch(runner):
            self._save_and_stop(runner, by_epoch=True)

    def after_val_iter(
        self, runner: Runner, *args: Any, **kwargs: Any
    ) -> None:
        """End a process that another signal has told to end."""
        check_received()

    def after_train(self, runner: Runner) -> None:
        """Put the former handler back."""
        if self._before is not None:
            signals.signal(self.signal, self._before)
            self._before = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = min(self._asked, time.monotonic())

    @staticmethod
    def _least(value: float) -> float:
        if get_world_size() == 1:
            return value
        number = torch.tensor(value)
        all_reduce(number, op='min')
        return number.item()

    def _save_and_stop(self, runner: Runner, by_epoch: bool) -> None:
        read_losses(runner)
        event = 'epoch' if by_epoch else 'iter'
        step = runner.epoch if by_epoch else runner.iter
        due = self.every_n_epochs if by_epoch else self.every_n_train_iters
        for hook in runner.hooks:
            if not isinstance(hook, CheckpointHook):
                continue
            if hook.by_epoch != by_epoch:
                hook.filename_tmpl = f'{event}_{{}}.pth'
                # It counts, and deletes, files of the other name.
                hook.max_keep_ckpts = -1
            elif due(runner, hook.interval, hook.save_begin):
                continue
            hook.by_epoch, hook.interval, hook.save_begin = by_epoch, 1, 0
            if by_epoch:
                hook.after_train_epoch(runner)
            else:
                hook.after_train_iter(runner, step)
        self._stop(runner, f'the state after {event} {step + 1} is saved')

    def _stop(self, runner: Runner, why: str) -> None:
        runner.logger.info(f'Stopped by {self.signal.name}: {why}.')
        if get_world_size() > 1:
            barrier()
            # A launcher ends the others when the first process is gone.
            signals.signal(signals.SIGTERM, signals.SIG_IGN)
        raise Interrupted(TRY_AGAIN)
