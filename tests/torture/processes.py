# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tools in processes that can be killed."""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time

import tiny_run

LIMIT = 600  # seconds, after which a process is said to hang


class TooLate(Exception):
    """What was done to a run did not end it."""


def require_hurt(hurt, moment):
    """Say when it was done; a try in which it was not shows nothing."""
    if not hurt:
        raise TooLate(moment)
    return moment


def start_tool(name, *arguments, log, prepare=None):
    """Run a tool as its own process, forked from this one.

    The libraries are imported already, so that it works after a moment.
    """
    process = multiprocessing.get_context('fork').Process(
        target=_run, args=(name, [*map(str, arguments)], log, prepare)
    )
    process.start()
    return process


def _run(name, arguments, log, prepare):
    os.setsid()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.chdir(log.parent)
    path = str(tiny_run.ROOT / 'tools' / f'{name}.py')
    sys.argv = [path, *arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    if prepare is not None:
        prepare()
    runpy.run_path(path, run_name='__main__')


def start_two(*arguments, log):
    """Run tools/dist_train.sh with two processes."""
    with log.open('a') as file:
        return subprocess.Popen(
            ['bash', tiny_run.ROOT / 'tools/dist_train.sh', *arguments],
            cwd=log.parent,
            env=tiny_run.environment(),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait(process, limit=LIMIT):
    """The exit code of a process; None if it still runs after the limit."""
    if isinstance(process, subprocess.Popen):
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return None
    process.join(limit)
    return process.exitcode


def end(process):
    """Clear away whatever is left of it."""
    # What its session had besides, such as data workers.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    wait(process)


def wait_until(condition, process, limit=LIMIT):
    """Wait for something, at most until the process ends."""
    deadline = time.monotonic() + limit
    while not condition():
        if wait(process, 0) is not None or time.monotonic() > deadline:
            return
        time.sleep(0.02)


def children(pid):
    """The processes that another one has started."""
    with open(f'/proc/{pid}/task/{pid}/children') as file:
        return [int(word) for word in file.read().split()]


def kill_before(name, number):
    """Let this process kill itself before a call that writes a checkpoint.

    Args:
        name (str): ``'fsync'`` or ``'replace'`` of ``os``, or ``'remove'`` of
            what deletes outdated ones.
        number (int): Which of these calls, from 1.
    """
    from aemim_mm.utils.storage import AtomicLocalBackend

    owner = AtomicLocalBackend if name == 'remove' else os
    original = getattr(owner, name)
    left = iter(range(number - 1, -1, -1))

    def call(*args, **kwargs):
        if next(left, None) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, call)
