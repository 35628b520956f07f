# Copyright (c) aemim_mm contributors. All rights reserved.
"""A user's error ends in one message, without a traceback."""

import os
import re
import sys
import time
from argparse import ArgumentParser, _ArgumentGroup
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from .interruption import Interrupted, catch_signals, release_signals
from .places import HOME, PACKAGE, TOOLS

# Exit code of a command line that cannot be served, as argparse's.
USAGE_ERROR = 2
# The folders of this project's code, whose messages say it all.
_OURS = (PACKAGE, Path(__file__).resolve().parent, TOOLS, HOME / 'benchmarks')
# Seconds in which the first process says what all have found.
_WAIT = 10.0
# What checks raise for what the user wrote.
USER_ERRORS = (ValueError, TypeError, KeyError, OSError, ImportError)


def add_traceback_option(parser: ArgumentParser | _ArgumentGroup) -> None:
    """Add ``--traceback``, whose value :func:`user_errors` takes."""
    parser.add_argument(
        '--traceback',
        action='store_true',
        help='show the Python traceback of an error',
    )


def run_main(main: Callable[[], int | None], *more: type[Exception]) -> None:
    """Run the main function of a tool and end the process.

    The function gives the exit code, or None for 0. At an error of the user's,
    to which ``more`` adds kinds, it is 2. A signal ends the process with one
    message and the code of :func:`.interruption.exit_code`, and what is
    half-written is removed.
    """
    before = catch_signals()
    try:
        with user_errors('--traceback' in sys.argv, *more):
            sys.exit(main())
    except Interrupted as stop:
        if os.environ.get('LOCAL_RANK', '0') == '0':
            print('Interrupted.', file=sys.stderr, flush=True)
        raise SystemExit(stop.code) from None
    finally:
        release_signals(before)


@contextmanager
def user_errors(
    traceback: bool = False,
    *more: type[Exception],
    until: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """Turn errors of a ``with`` block into a message and exit code 2.

    What several processes find alike, before they are connected, is printed by
    the first on each machine: the others wait until their launcher ends them.
    Any other error is of one process, which prints it with its rank.

    With ``traceback`` errors are left as they are; ``more`` are further kinds
    that are the user's. Once ``until`` is true, a traceback says more, but of
    errors of the system (files, disks).
    """
    if traceback:
        yield
        return
    kinds: tuple[type[Exception], ...] = (*USER_ERRORS, *more)
    try:
        yield
    except kinds as error:
        if until is not None and until() and not isinstance(error, OSError):
            raise
        first = os.environ.get('LOCAL_RANK', '0') == '0'
        connected = _are_connected()
        # Checks raise the same everywhere; a device may fail in one process.
        if not (first or connected) and isinstance(error, USER_ERRORS):
            time.sleep(_WAIT)
        rank = os.environ.get('RANK') if connected or not first else None
        by = f'rank {rank}: ' if rank else ''
        print(f'{by}error: {_message(error)}', file=sys.stderr, flush=True)
        raise SystemExit(USAGE_ERROR) from None


def _are_connected() -> bool:
    """Whether this is one of several processes in a group."""
    dist = sys.modules.get('torch.distributed')
    return bool(
        dist
        and dist.is_available()
        and dist.is_initialized()
        and dist.get_world_size() > 1
    )


def _is_ours(file: str) -> bool:
    path = Path(file).resolve()
    return any(path.is_relative_to(folder) for folder in _OURS)


def _message_of_worker(told: str, error: Exception) -> str:
    """The same of an error in a data worker, which tells its traceback."""
    kind = type(error).__name__
    text = told.rpartition(f'{kind}: ')[2] if f'{kind}: ' in told else ''
    where = re.findall(r'File "(.*?)", line', told.removesuffix(text))[-1]
    if text and (isinstance(error, OSError) or _is_ours(where)):
        return text.strip()
    last = f'{kind}: {text}' if text else told.strip().rpartition('\n')[2]
    return (
        f'{last.strip()} (in a data worker; --traceback shows the way there)'
    )


def _message(error: Exception) -> str:
    """What to say; of an error of another library also where it is from."""
    told = str(error)
    if 'Original Traceback' in told:
        return _message_of_worker(told, error)
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    where = frames[-1].f_code.co_filename
    if isinstance(error, OSError) or _is_ours(where):
        # The text of a KeyError is the representation of its argument.
        plain = isinstance(error, KeyError) and len(error.args) == 1
        return str(error.args[0] if plain else error)
    place = where.rpartition('site-packages/')[2]
    return (
        f'{type(error).__name__}: {str(error) or "no reason is given"} '
        f'({place}, line {frames[-1].f_lineno}; --traceback shows the way '
        'there)'
    )
