# Copyright (c) aemim_mm contributors. All rights reserved.
"""A run that a signal ends says how to go on."""

import os
import signal
import sys
from pathlib import Path
from types import TracebackType

from mmengine.dist import is_main_process

from aemim_mm_cli.interruption import (
    Interrupted,
    catch_signals,
    exit_code,
    leave_signals,
    received,
    release_signals,
    typed_command,
)

from ..utils.storage import remove_partial


class Interruptions:
    """A ``with`` block that a signal ends with one message.

    SIGINT (Ctrl-C), SIGTERM and SIGHUP end it at once, whatever is under way:
    checkpoints are written aside, so that the last complete one remains, and
    what was half-written is removed. Further signals are ignored from then on.
    The process exits with the code that shells expect, 130, 143 or 129. Of
    SIGUSR1, see ``InterruptHook``.

    ``work_dir`` is to be the folder of the run once training has begun.
    """

    def __init__(self) -> None:
        self.work_dir: str | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> 'Interruptions':
        self._before = catch_signals()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        number = received()
        if isinstance(error, Interrupted):
            code = error.code
        elif error is not None and number is not None:
            # Such as a connection that another process has closed.
            code = exit_code(number)
        else:
            release_signals(self._before)
            return
        # torch's launcher sends one more, and so does a user in a hurry.
        leave_signals()
        if is_main_process() and os.environ.get('LOCAL_RANK', '0') == '0':
            if self.work_dir is not None:
                remove_partial(self.work_dir)
            name = signal.Signals(number).name if number else None
            print(self._message(name), file=sys.stderr, flush=True)
        raise SystemExit(code) from None

    def _message(self, name: str | None) -> str:
        by = f' by {name}' if name else ' on request'
        pointer = Path(self.work_dir or '') / 'last_checkpoint'
        latest = pointer.read_text() if pointer.is_file() else None
        if self.work_dir is None:
            what = 'before training began: no checkpoint was written.'
        elif latest is None:
            what = 'before the first checkpoint was written.'
        else:
            what = f'the latest checkpoint is {latest}.'
        resume = self.work_dir is not None and latest is not None
        command = typed_command(resume) or (
            f'the same command{" with --resume" if resume else ""}'
        )
        how = 'To go on' if resume else 'To start again'
        return f'\nInterrupted{by}; {what} {how}:\n  {command}'
