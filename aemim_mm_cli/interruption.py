# Copyright (c) aemim_mm contributors. All rights reserved.
"""Signals end a process in order: what is under way is cleared away."""

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from types import FrameType

# Of the shell, Ctrl-C, a scheduler that wants the machine back, a terminal
# that was closed. SIGUSR1 is what SLURM's users choose for a warning.
NAMES = ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1')
# The exit code of a run that was asked to save and make room: sysexits.h's
# "try again later".
TRY_AGAIN = 75
# Set by the shell scripts: the line that was typed.
TYPED = 'AEMIM_COMMAND'

_received: list[int] = []
_said = ''


class Interrupted(SystemExit):
    """A signal ends the process; ``code`` is its exit code.

    As a ``SystemExit`` it ends an import, or a process without
    :class:`aemim_mm.launcher.interruptions.Interruptions`, without a
    traceback.
    """


def exit_code(number: int) -> int:
    """The exit code of a process that a signal has ended.

    As shells have it, 128 and the number; 75 for SIGUSR1.
    """
    return TRY_AGAIN if number == signal.SIGUSR1 else 128 + number


def received() -> int | None:
    """The first signal that this process got, if any."""
    return _received[0] if _received else None


def check_received() -> None:
    """Raise the :class:`Interrupted` that a handler has raised in vain.

    Python drops what is raised inside of a destructor, for example.
    """
    if _received:
        raise Interrupted(exit_code(_received[0]))


def catch_signals(message: str = '') -> dict[int, object]:
    """Let signals raise :class:`Interrupted`; in the main thread only.

    What is ignored, as SIGHUP under ``nohup``, stays so, but for SIGUSR1,
    which our scripts ignore on behalf of torch's launcher. The message is
    printed when a signal comes, where nothing else is to say more. Interrupted
    at once if a signal has come since an earlier call. Returns the handlers
    that were there, for :func:`release_signals`.
    """
    global _said
    # An import may have dropped what was raised.
    check_received()
    _said = message
    sys.unraisablehook = _drop
    before: dict[int, object] = {}
    for name in NAMES:
        number = signal.Signals[name]
        handler = signal.getsignal(number)
        if handler is signal.SIG_IGN and name != 'SIGUSR1':
            continue
        before[number] = handler
        signal.signal(number, _end)
    return before


def release_signals(before: dict[int, object]) -> None:
    """Put back what :func:`catch_signals` returned; forget what came."""
    for number, handler in before.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
    _received.clear()


def leave_signals() -> None:
    """Ignore signals from the end of a program on.

    Nothing but its last message is left to write; Python takes a while to
    clear its memory, and has no handlers any more, so that a signal would seem
    to have ended the run.
    """
    for name in NAMES:
        signal.signal(signal.Signals[name], signal.SIG_IGN)


def _drop(lost: 'sys.UnraisableHookArgs') -> None:
    """Show what is raised where Python cannot pass it on, but for ours."""
    if not isinstance(lost.exc_value, Interrupted):
        sys.__unraisablehook__(lost)


def _end(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    if _said and os.environ.get('LOCAL_RANK', '0') == '0':
        # print() may be what was interrupted.
        os.write(sys.stderr.fileno(), f'{_said}\n'.encode())
    # A worker that ends of the same signal is no error, as torch has it.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # What it leaves half-built may fail in its destructor.
    sys.unraisablehook = lambda lost: None
    raise Interrupted(exit_code(_received[0]))


def typed_command(resume: bool) -> str | None:
    """The command line of this run for a shell, or that to resume it.

    None if another launcher than our scripts has started the process: what was
    typed there is not known.
    """
    typed = os.environ.get(TYPED)
    if typed is None and {'TORCHELASTIC_RUN_ID', 'SLURM_PROCID'} & set(
        os.environ
    ):
        return None
    # Not sys.argv: it lacks the interpreter and its options.
    words = shlex.split(typed) if typed else sys.orig_argv
    return shlex.join(_resumed(words) if resume else words)


def _resumed(words: Sequence[str]) -> list[str]:
    """The same with ``--resume``, which takes the place of what it undoes."""
    kept: list[str] = []
    skip_value = False
    for word in words:
        if skip_value and not word.startswith('-'):
            skip_value = False
            continue
        skip_value = word == '--resume'
        if not skip_value and word != '--overwrite':
            if not word.startswith('--resume='):
                kept.append(word)
    return [*kept, '--resume']
