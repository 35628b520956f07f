# Copyright (c) aemim_mm contributors. All rights reserved.
"""Two processes, of which one is told to stop."""

import math
import signal
import time
from types import SimpleNamespace

import pytest
import torch
from mmengine import dist
from mmengine.runner import IterBasedTrainLoop
from torch import distributed

from aemim_mm.hooks import (
    AtomicCheckpointHook,
    InterruptHook,
    NonFiniteLossHook,
)
from aemim_mm_cli.interruption import Interrupted


class Loop:
    """A runner that trains nothing, in three epochs of six iterations."""

    class logger:
        info = staticmethod(lambda text: None)

    message_hub = SimpleNamespace(runtime_info={})
    hooks = ()
    epoch = iter = 0
    max_epochs, max_iters = 3, 18
    train_loop = None
    train_dataloader = range(6)

    def run(self, hook, told, bad=None):
        for epoch in range(self.max_epochs):
            self.epoch = epoch
            hook.before_train_epoch(self)
            for index in range(6):
                if self.iter == told:
                    signal.raise_signal(signal.SIGUSR1)
                time.sleep(0.001)
                loss = math.nan if self.iter == bad else 1.0
                for other in self.hooks:
                    outputs = dict(loss=torch.tensor(loss))
                    other.after_train_iter(self, index, outputs=outputs)
                hook.after_train_iter(self, index)
                self.iter += 1
            hook.after_train_epoch(self)


def stop_together(rank, folder):
    """One process is told to; both stop in the same iteration."""
    distributed.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=2
    )
    for name, grace in (('epoch', 60), ('now', 1e-9)):
        loop, hook = Loop(), InterruptHook(grace=grace, interval=2)
        hook.before_train(loop)
        with pytest.raises(Interrupted):
            loop.run(hook, told=8 if rank == 1 else None)
        steps = dist.all_gather_object(loop.iter)
        # After the end of the second epoch, or at the next agreement.
        assert steps == ([12, 12] if name == 'epoch' else [9, 9]), steps
    # Nothing is saved where a loss was bad, and no process waits for another.
    late = AtomicCheckpointHook(by_epoch=False, minutes=1e-9)
    late._agree_every = 2
    stopped = InterruptHook(interval=2)
    stopped.before_train(Loop())
    for hook, bad in (late, 1), (stopped, 7):
        loop = Loop()
        loop.hooks = [NonFiniteLossHook(interval=100)]
        loop.train_loop = object.__new__(IterBasedTrainLoop)
        with pytest.raises(FloatingPointError, match=f'iteration {bad + 1} '):
            loop.run(hook, told=6, bad=bad if rank == 0 else None)
    distributed.destroy_process_group()
