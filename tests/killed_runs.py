# Copyright (c) aemim_mm contributors. All rights reserved.
"""A run of the tiny model that kills itself while it saves a checkpoint."""

import os
import signal

import pytest
import torch
import two_processes  # noqa: F401  says what is imported before the fork
from line_runs import build_runner
from torch.multiprocessing import ProcessExitedException, start_processes

from aemim_mm.utils.storage import AtomicLocalBackend

# Before which call, with an argument that ends so, and the epoch of the
# checkpoint that must be there then.
MOMENTS = {
    'save': (torch, 'save', '', 2),
    'write': (os, 'fsync', '', 2),
    'rename': (os, 'replace', '', 2),
    'pointer': (AtomicLocalBackend, 'put_text', '', 2),
    'pointer rename': (os, 'replace', 'last_checkpoint', 2),
    'delete': (AtomicLocalBackend, 'remove', '', 3),
}


def _train(rank, folder, moment):
    runner = build_runner(
        folder,
        checkpoint=dict(
            type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1
        ),
        train_cfg=dict(by_epoch=True, max_epochs=3),
    )
    owner, name, only, _ = MOMENTS[moment]
    original = getattr(owner, name)

    def call(*args, **kwargs):
        if runner.epoch == 2 and any(str(a).endswith(only) for a in args):
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, call)
    runner.train()


def train_killed(folder, moment):
    """Train three epochs in a process that dies in the third."""
    with pytest.raises(ProcessExitedException) as error:
        start_processes(_train, (folder, moment), start_method='forkserver')
    assert error.value.signal_name == 'SIGKILL'
