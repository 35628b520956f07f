# Copyright (c) aemim_mm contributors. All rights reserved.
"""Carries a plan out: what is finished is skipped, what has begun goes on."""

import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_EXCEPTION,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from statistics import fmean

from aemim_mm_cli.places import HOME, ROOT

from .data_check import missing_data
from .plan import Plan
from .steps import Step

LAST_LINES = 15


class StepError(RuntimeError):
    """A command of the plan has failed."""


class Executor:
    """Runs the steps of a plan.

    Steps of one chain come one after another; ``jobs`` chains run at once. The
    cost tables come last and alone, since they measure time.

    With ``redo``, a training run that was made from something else is deleted
    and made anew. ``on_finish`` is called with each step of a chain that is
    finished or was. Commands inherit the file descriptors ``pass_fds``.
    """

    def __init__(
        self,
        plan: Plan,
        jobs: int = 1,
        redo: bool = False,
        on_finish: Callable[[Step], None] | None = None,
    ) -> None:
        self.plan = plan
        self.pass_fds: tuple[int, ...] = ()
        self.on_finish = on_finish
        self.jobs = jobs
        self.redo = redo
        self.steps = plan.steps()
        self.left = {(step.chain, step.name): step for step in self.steps}
        self.start = time.perf_counter()
        self.seconds: dict[str, list[float]] = {}
        for step in self.steps:
            taken = step.state().get('seconds')
            if taken:
                self.seconds.setdefault(step.kind, []).append(taken)
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._running: set[subprocess.Popen] = set()

    def run(self) -> None:
        """Carry the plan out.

        StepError if data are missing or a command fails. Steps that run beside
        the one that fails are finished, no other begins.
        """
        self._chain(self.plan.data)
        missing = missing_data(self.plan)
        if missing:
            lines = '\n  '.join(missing)
            raise StepError(
                f'data that the plan needs are missing:\n  {lines}'
            )
        with ThreadPoolExecutor(self.jobs) as pool:
            chains = [pool.submit(self._chain, c) for c in self.plan.chains]
            try:
                wait(chains, return_when=FIRST_EXCEPTION)
            except BaseException:  # a signal
                with self._lock:
                    self._failed.set()
                    for process in list(self._running):
                        process.terminate()
                raise
            for chain in as_completed(chains):
                chain.result()
        self._chain(self.plan.cost)

    def _chain(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if self._failed.is_set():
                return
            try:
                if not self._make(step):
                    return
            except BaseException as error:
                self._failed.set()
                if isinstance(error, Exception):
                    self._say(step, 'failed; no other step begins')
                raise

    def _make(self, step: Step) -> bool:
        """Make what a step makes, if it is not there.

        False if a failure or a signal came before it could begin.
        """
        made_from = step.made_from()
        if step.is_finished(made_from):
            self._finish(step, 'is there')
            return True
        others = step.others(made_from) if step.trains else []
        if others and not self.redo:
            raise StepError(
                f'{step.chain} {step.name}: {step.folder / step.name} holds a '
                f'run with another {", ".join(others)}. Pass another --out to '
                'keep it, or --redo to delete it and train again.'
            )
        self._say(step, f'log: {step.log}')
        if others:
            step.unfinish_readers()
            # Before the new state: after a kill in between, a later call must
            # not resume the old run as if it were this one.
            shutil.rmtree(step.folder / step.name, ignore_errors=True)
        step.write_state(made_from, None)
        begin = time.perf_counter()
        if not self._call(step):
            return False
        taken = time.perf_counter() - begin
        step.write_state(made_from, taken)
        with self._lock:
            self.seconds.setdefault(step.kind, []).append(taken)
        self._finish(step, f'done in {_clock(taken)}')
        return True

    def _call(self, step: Step) -> bool:
        """Run the command of a step, its output into the log.

        False if a failure or a signal came before it could begin.
        """
        # The tools of an installed package lie elsewhere than its data.
        words = [
            str(HOME / word) if word.startswith('tools/') else word
            for word in step.command
        ]
        if words[0] == 'python':
            words[0] = sys.executable
        environment = dict(os.environ, PYTHON=sys.executable)
        if self.jobs > 1:
            threads = max(1, (os.cpu_count() or 1) // self.jobs)
            environment.setdefault('OMP_NUM_THREADS', str(threads))
        step.folder.mkdir(parents=True, exist_ok=True)
        with step.log.open('w') as log:
            try:
                with self._lock:
                    if self._failed.is_set():
                        return False
                    process = subprocess.Popen(
                        words,
                        cwd=ROOT,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        pass_fds=self.pass_fds,
                    )
                    self._running.add(process)
            except OSError as error:
                raise StepError(
                    f'{step.chain} {step.name}: {words[0]} cannot be run: '
                    f'{error}'
                ) from error
            try:
                code = process.wait()
            except BaseException:  # a signal, in the main thread
                process.terminate()
                process.wait()
                raise
            finally:
                self._running.discard(process)
        if code or not step.output.exists():
            tail = step.log.read_text(errors='replace').splitlines()
            what = (
                f'ended with exit code {code}'
                if code
                else f'did not write {step.output}'
            )
            lines = '\n  '.join(tail[-LAST_LINES:])
            raise StepError(
                f'{step.chain} {step.name} {what}:\n  {lines}\n'
                f'The command was: {shlex.join(step.command)}\n'
                f'Its log is {step.log}. The same call of reproduce.py goes '
                'on from here.'
            )
        return True

    def _finish(self, step: Step, what: str) -> None:
        with self._lock:
            self.left.pop((step.chain, step.name), None)
        if self.on_finish is not None:
            self.on_finish(step)
        self._say(step, what)

    def _say(self, step: Step, what: str) -> None:
        """One line: how far the plan is, and when it ends."""
        number = len(self.steps) - len(self.left)
        passed = _clock(time.perf_counter() - self.start)
        print(
            f'[{number}/{len(self.steps)}, at {passed}, ETA {self._eta()}] '
            f'{step.chain} {step.name}: {what}',
            flush=True,
        )

    def _eta(self) -> str:
        """The time that is left, from steps of the same kind or name."""
        with self._lock:
            known = {k: fmean(v) for k, v in self.seconds.items()}
            left = list(self.left.values())
        if not known:
            return 'unknown'
        by_name: dict[str, list[float]] = {}
        for kind, taken in known.items():
            by_name.setdefault(kind.split()[0], []).append(taken)
        everything = fmean(known.values())
        total = sum(
            known.get(step.kind)
            or fmean(by_name.get(step.kind.split()[0], [everything]))
            for step in left
        )
        return _clock(total / self.jobs)


def _clock(seconds: float) -> str:
    """A time as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02d}:{rest:02d}'
