# Copyright (c) aemim_mm contributors. All rights reserved.
import gc
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aemim_mm_cli import interruption
from aemim_mm_cli.interruption import Interrupted

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def caught():
    child = signal.getsignal(signal.SIGCHLD)
    before = interruption.catch_signals()
    yield before
    interruption.release_signals(before)
    signal.signal(signal.SIGCHLD, child)


@pytest.mark.parametrize(
    'name, code',
    [('SIGINT', 130), ('SIGTERM', 143), ('SIGHUP', 129), ('SIGUSR1', 75)],
)
def test_a_signal_ends_the_process_with_its_code(name, code):
    assert interruption.received() is None
    with pytest.raises(SystemExit) as stop:
        signal.raise_signal(signal.Signals[name])
    assert stop.value.code == code
    # A second one, of a user in a hurry, does not change what ended it.
    with pytest.raises(Interrupted) as stop:
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.code == code
    assert interruption.received() == signal.Signals[name]


def test_what_is_raised_in_a_destructor_is_raised_again(capsys):
    class Worker:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    Worker()
    gc.collect()
    assert capsys.readouterr().err == ''
    with pytest.raises(Interrupted, match='143'):
        interruption.check_received()


@pytest.mark.parametrize('ended', [True, False])
def test_what_is_left_half_built_says_nothing(capsys, ended):
    """As the iterator of a DataLoader, stopped in its constructor."""

    class HalfBuilt:
        def __del__(self):
            self._shutdown  # noqa: B018

    if ended:
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
    HalfBuilt()
    gc.collect()
    assert ('AttributeError' in capsys.readouterr().err) != ended


def test_what_an_import_has_dropped_is_raised_again():
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted, match='143'):
        interruption.catch_signals()


def test_handlers_are_put_back(caught):
    own = signal.getsignal(signal.SIGTERM)
    interruption.release_signals(caught)
    assert signal.getsignal(signal.SIGTERM) == caught[signal.SIGTERM] != own
    interruption.check_received()


def test_what_is_ignored_stays_so_but_for_usr1(caught):
    interruption.release_signals(caught)
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    inner = interruption.catch_signals()
    signal.raise_signal(signal.SIGHUP)
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGUSR1)
    interruption.release_signals(inner)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN


@pytest.mark.parametrize(
    'typed, resumed',
    [
        ('train.py c.py', 'train.py c.py --resume'),
        ('PORT=1 d.sh "a b" 2 --resume', "PORT=1 d.sh 'a b' 2 --resume"),
        ('t.py c.py --resume x.pth --amp', 't.py c.py --amp --resume'),
        ('t.py c.py --resume=x.pth --amp', 't.py c.py --amp --resume'),
        ('t.py --overwrite c.py', 't.py c.py --resume'),
        ('t.py c.py --cfg-options "a=[1, 2]"', None),
    ],
)
def test_command_that_goes_on(monkeypatch, typed, resumed):
    monkeypatch.setenv('AEMIM_COMMAND', typed)
    resumed = resumed or "t.py c.py --cfg-options 'a=[1, 2]' --resume"
    assert interruption.typed_command(resume=True) == resumed


def test_command_of_other_launchers(monkeypatch):
    monkeypatch.delenv('AEMIM_COMMAND', raising=False)
    monkeypatch.setattr('sys.orig_argv', ['python', 'train.py', 'c d.py'])
    command = interruption.typed_command(resume=False)
    assert command == "python train.py 'c d.py'"
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', '1')
    assert interruption.typed_command(resume=False) is None


def test_at_the_end_of_a_program_a_signal_changes_nothing():
    code = """
import signal
from aemim_mm_cli import interruption
interruption.catch_signals()
interruption.leave_signals()

class Last:
    def __del__(self, raise_signal=signal.raise_signal):
        raise_signal(15)

last = Last()
last.itself = last
"""
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT)
    assert done.returncode == 0
