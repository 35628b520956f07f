# Copyright (c) aemim_mm contributors. All rights reserved.
"""Training that is killed, filled up or told to stop, and goes on."""

import functools
import itertools
import os
import resource
import signal
import subprocess
import time

import tiny_run
import torch

from aemim_mm.checkpoints import load_checkpoint_file

from . import processes

# Iterations of an epoch in all processes together.
EPOCHS, ITERATIONS, KEPT = 4, 6, 2
# Calls that the checkpoints of a run are written by: flush and rename each
# file and what points to it, flush their folder, delete an outdated file.
CALLS = {'fsync': 4 * EPOCHS, 'replace': 2 * EPOCHS, 'remove': EPOCHS - KEPT}


def make_config(folder):
    """A tiny pre-training run with checkpoints of half a megabyte."""
    data = tiny_run.write_images(folder / 'data')
    cfg = tiny_run.pretrain_cfg(data, tiny_run.aemim())
    cfg['train_cfg']['max_epochs'] = EPOCHS
    cfg['default_hooks']['checkpoint'] = dict(
        type='AtomicCheckpointHook', interval=1, max_keep_ckpts=KEPT
    )
    return tiny_run.write_config(folder / 'tiny.py', cfg)


class Training:
    """The runs of one kind, which all do the same.

    Args:
        folder (Path): Where they lie.
        processes (int): How many processes one run has.
    """

    def __init__(self, folder, number=1):
        self.folder, self.number = folder, number
        self.turns = itertools.count()
        self.config = make_config(folder)
        self.iterations = ITERATIONS // number
        process = self.start(folder / 'whole')
        wait_for_training(process, folder / 'whole')
        begin = time.monotonic()
        last = folder / f'whole/epoch_{EPOCHS}.pth'
        processes.wait_until(last.is_file, process)
        self.seconds = time.monotonic() - begin
        code = processes.wait(process)
        assert code == 0, f'the uninterrupted run ended with {code}'
        self.expected = _content(folder / 'whole', EPOCHS)
        self.files = _files(folder / 'whole')

    def start(self, work_dir, *options, prepare=None):
        arguments = [self.config, '--work-dir', work_dir, *options]
        log = work_dir.with_name(f'{work_dir.name}.log')
        if self.number > 1:
            arguments.insert(1, str(self.number))
            return processes.start_two(*arguments, log=log)
        return processes.start_tool(
            'train', *arguments, log=log, prepare=prepare
        )

    def check(self, work_dir, lost=None):
        """Resume, and compare with the run that was not interrupted."""
        saved = _saved(work_dir)
        steps = max(tiny_run.scalars(work_dir), default=0)
        behind = steps - saved * self.iterations
        limit = self.iterations if lost is None else lost
        assert behind <= limit, f'{behind} iterations were lost'
        process = self.start(work_dir, '--resume')
        try:
            code = processes.wait(process)
        finally:
            processes.end(process)
        assert code == 0, f'the resumed run ended with {code}'
        _compare(_content(work_dir, EPOCHS), self.expected)
        stray = _files(work_dir) ^ self.files
        assert not stray, f'stray or missing files: {sorted(stray)}'


def wait_for_training(process, work_dir):
    """Until the first iteration: what comes before has nothing to lose."""
    log = work_dir.with_name(f'{work_dir.name}.log')
    processes.wait_until(
        lambda: log.is_file() and 'Epoch(train)' in log.read_text(), process
    )


def kill(runs, work_dir, rng):
    """Kill -9 at a random moment."""
    process = runs.start(work_dir)
    wait_for_training(process, work_dir)
    moment = rng.uniform(0, runs.seconds)
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    code = processes.wait(process)
    runs.check(work_dir)
    return processes.require_hurt(code, f'{moment:.1f} s')


def kill_one_of_two(runs, work_dir, rng):
    """Kill -9 of one process while both train; the other must end."""
    process = runs.start(work_dir)
    try:
        wait_for_training(process, work_dir)
        moment = rng.uniform(0, runs.seconds)
        time.sleep(moment)
        ranks = processes.children(process.pid)
        if len(ranks) == 2:
            os.kill(rng.choice(ranks), signal.SIGKILL)
        code = processes.wait(process, 60)
        assert code is not None, 'the other process hangs after 60 s'
        log = work_dir.with_name(f'{work_dir.name}.log').read_text()
        if code:
            assert code == 137, f'the launcher ended with {code}'
            assert 'was killed by SIGKILL' in log, 'there was no message'
    finally:
        processes.end(process)
    runs.check(work_dir)
    return processes.require_hurt(code, f'{moment:.1f} s')


def kill_in_save(runs, work_dir, rng):
    """Kill -9 before one of the calls that write checkpoints."""
    name = list(CALLS)[next(runs.turns) % len(CALLS)]
    number = rng.randint(1, CALLS[name])
    process = runs.start(
        work_dir,
        prepare=functools.partial(processes.kill_before, name, number),
    )
    code = processes.wait(process)
    assert code in (0, -signal.SIGKILL), f'it ended with {code}'
    runs.check(work_dir)
    return processes.require_hurt(code, f'before {name} {number}')


def fill_up(runs, work_dir, rng):
    """A file system that is full: tmpfs where root may, else a file limit."""
    size = max(p.stat().st_size for p in (runs.folder / 'whole').glob('*.pth'))
    work_dir.mkdir()
    # Full at the first checkpoint, the second, or the third, which makes
    # the first outdated: it must stay.
    room = int((next(runs.turns) % 3 + rng.uniform(0.5, 0.9)) * size)
    mount = ['mount', '-t', 'tmpfs', '-o', f'size={room}', 'tmpfs', work_dir]
    mounted = not subprocess.run(mount, capture_output=True).returncode
    try:
        process = runs.start(
            work_dir, prepare=None if mounted else _limit(size, rng)
        )
        code = processes.wait(process)
        assert code, 'it trained on although nothing could be written'
        log = work_dir.with_name(f'{work_dir.name}.log').read_text()
        what = 'No space left' if mounted else 'File too large'
        assert what in log, 'the message does not say why'
        if mounted:
            mount[4] = 'remount,size=1g'
            subprocess.run(mount, check=True)
        runs.check(work_dir)
    finally:
        if mounted:
            subprocess.run(['umount', '-l', work_dir], check=True)
    return f'tmpfs of {room} bytes' if mounted else 'RLIMIT_FSIZE'


def _limit(size, rng):
    """No file may be as large as a checkpoint."""
    most = int(rng.uniform(0.2, 0.9) * size)

    def prepare():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return prepare


def tell(runs, work_dir, rng, number, code):
    """A signal at a random moment to all processes of the run."""
    process = runs.start(work_dir)
    early = number != signal.SIGUSR1 and runs.number == 1
    try:
        if early and rng.random() < 0.4:
            # While the run is being built; half a second is Python's own.
            moment = rng.uniform(0.3, 0.8)
        else:
            wait_for_training(process, work_dir)
            moment = rng.uniform(0, runs.seconds)
        time.sleep(moment)
        for pid in [process.pid, *processes.children(process.pid)]:
            # As Ctrl-C and a scheduler's container.
            os.kill(pid, number)
        found = processes.wait(process, 60)
        assert found is not None, 'it hangs after 60 s'
        log = work_dir.with_name(f'{work_dir.name}.log').read_text()
        assert found in (0, code), f'it ended with {found}'
        assert log.count('\nInterrupted') <= 1, 'more than one message'
        if found:
            # The launcher may be told while its processes, done, leave.
            done = (work_dir / f'epoch_{EPOCHS}.pth').is_file()
            assert done or 'Interrupted' in log, 'there was no message'
            assert 'Traceback' not in log, 'there was a traceback'
        stray = [p.name for p in work_dir.glob('*.partial')]
        assert not stray, f'stray files: {stray}'
        saved = 'is saved' in log
        assert saved or found != 75, 'nothing was saved'
    finally:
        processes.end(process)
    runs.check(work_dir, lost=0 if saved else None)
    return processes.require_hurt(found, f'{moment:.1f} s')


def _saved(work_dir):
    """The epoch of the latest checkpoint."""
    pointer = work_dir / 'last_checkpoint'
    if not pointer.is_file():
        return 0
    return load_checkpoint_file(pointer.read_text())['meta']['epoch']


def _content(work_dir, epoch):
    checkpoint = load_checkpoint_file(str(work_dir / f'epoch_{epoch}.pth'))
    return {k: checkpoint[k] for k in ('state_dict', 'optimizer')}


def _files(work_dir):
    """What lies there, but for the folders of logs."""
    return {path.name for path in work_dir.iterdir() if not path.is_dir()}


def _compare(found, expected, where='checkpoint'):
    """To the bit."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            _compare(found[key], value, f'{where}.{key}')
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected), f'{where} differs'
    elif isinstance(expected, list):
        for index, value in enumerate(expected):
            _compare(found[index], value, f'{where}.{index}')
    else:
        assert found == expected, f'{where} differs'
