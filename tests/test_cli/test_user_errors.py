# Copyright (c) aemim_mm contributors. All rights reserved.
import signal
import sys
from tempfile import TemporaryDirectory

import pytest
from torch.utils.data import DataLoader, Dataset

from aemim_mm_cli import user_errors as module
from aemim_mm_cli.places import PACKAGE
from aemim_mm_cli.user_errors import run_main, user_errors


def fail(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    'error, message',
    [
        (ValueError('no such value'), 'error: no such value\n'),
        (KeyError('no such key'), 'error: no such key\n'),
        (FileNotFoundError(2, 'not there', 'x'), "not there: 'x'\n"),
    ],
)
def test_an_error_of_the_users_is_one_message(capsys, error, message):
    code = compile('raise error', PACKAGE / 'part.py', 'exec')
    with pytest.raises(SystemExit) as stop, user_errors():
        exec(code, dict(error=error))
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == '' and err.endswith(message) and err.count('\n') == 1


@pytest.mark.parametrize(
    'file',
    [
        __file__,
        # A clone that is named as the package, and what is installed there.
        '/aemim_mm/.venv/lib/site-packages/mmengine/x.py',
        str(PACKAGE.parent / '.venv/lib/site-packages/mmengine/x.py'),
        '/usr/local/tools/x.py',
    ],
)
def test_of_another_librarys_error_kind_and_place_are_told(capsys, file):
    code = compile('raise KeyError("type")', file, 'exec')
    with pytest.raises(SystemExit), user_errors():
        exec(code)
    said = capsys.readouterr().err
    assert said.startswith("error: KeyError: 'type' (")
    assert '--traceback shows the way there' in said


class _Failing(Dataset):
    def __init__(self, error, file):
        self.error = error
        self.code = compile('raise error', file, 'exec')

    def __len__(self):
        return 1

    def __getitem__(self, index):
        exec(self.code, dict(error=self.error))


class _TwoWords(Exception):
    def __init__(self, one, two):
        super().__init__(f'{one}, {two}')


OURS, FOREIGN = PACKAGE / 'part.py', '/x/site-packages/mmengine/x.py'
HINT = '(in a data worker; --traceback shows the way there)'


@pytest.mark.parametrize(
    'error, file, message',
    [
        (ValueError('a.jpg is too\nsmall'), OURS, 'a.jpg is too\nsmall'),
        (OSError('a.jpg is gone'), FOREIGN, 'a.jpg is gone'),
        (ValueError('a: b'), FOREIGN, f'ValueError: a: b {HINT}'),
        (KeyError('gt_label'), FOREIGN, f"KeyError: 'gt_label' {HINT}"),
        # torch cannot make it anew, and raises RuntimeError.
        (
            _TwoWords('a', 'b'),
            OURS,
            f'{_TwoWords.__module__}._TwoWords: a, b {HINT}',
        ),
    ],
)
def test_an_error_in_a_data_worker(capsys, error, file, message):
    with pytest.raises(SystemExit), user_errors(False, RuntimeError):
        list(DataLoader(_Failing(error, file), num_workers=1))
    assert capsys.readouterr().err == f'error: {message}\n'


@pytest.mark.parametrize('begun', [False, True])
def test_after_the_start_a_traceback_says_more(begun):
    kind = ValueError if begun else SystemExit
    with pytest.raises(kind), user_errors(until=lambda: begun):
        raise ValueError
    with pytest.raises(SystemExit), user_errors(until=lambda: begun):
        raise OSError


def test_other_errors_are_ours():
    with pytest.raises(RuntimeError), user_errors():
        raise RuntimeError
    with pytest.raises(SystemExit), user_errors(False, RuntimeError):
        raise RuntimeError


@pytest.mark.parametrize(
    'rank, connected, error, waits, starts',
    [
        ('0', False, ValueError, 0, 'error: '),
        # Still there after a while: the first did not find the same.
        ('1', False, ValueError, 1, 'rank 1: error: '),
        # Such as a device that only this process lacks.
        ('1', False, RuntimeError, 0, 'rank 1: error: '),
        ('0', True, ValueError, 0, 'rank 0: error: '),
        ('1', True, ValueError, 0, 'rank 1: error: '),
        ('1', True, OSError, 0, 'rank 1: error: '),
    ],
)
def test_error_of_one_of_several_processes(
    monkeypatch, capsys, rank, connected, error, waits, starts
):
    monkeypatch.setenv('LOCAL_RANK', rank)
    monkeypatch.setenv('RANK', rank)
    monkeypatch.setattr(module, '_are_connected', lambda: connected)
    waited = []
    monkeypatch.setattr(module.time, 'sleep', waited.append)
    with pytest.raises(SystemExit), user_errors(False, Exception):
        raise error
    assert capsys.readouterr().err.startswith(starts)
    # Longer than processes are apart when they start.
    assert len(waited) == waits and all(time >= 5 for time in waited)


def test_run_main(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tool'])
    for main, code in ((lambda: 3, 3), (fail(ValueError()), 2)):
        with pytest.raises(SystemExit) as stop:
            run_main(main)
        assert stop.value.code == code
    monkeypatch.setattr(sys, 'argv', ['tool', '--traceback'])
    with pytest.raises(ValueError):
        run_main(fail(ValueError()))


@pytest.mark.parametrize(
    'name, code', [('SIGINT', 130), ('SIGTERM', 143), ('SIGHUP', 129)]
)
def test_a_signal_leaves_nothing_half_written(
    monkeypatch, tmp_path, capsys, name, code
):
    number = signal.Signals[name]
    monkeypatch.setattr(sys, 'argv', ['tool'])
    child, before = signal.getsignal(signal.SIGCHLD), signal.getsignal(number)

    def main():
        with TemporaryDirectory(dir=tmp_path):
            signal.raise_signal(number)

    with pytest.raises(SystemExit) as stop:
        run_main(main)
    signal.signal(signal.SIGCHLD, child)
    assert stop.value.code == code
    assert capsys.readouterr().err == 'Interrupted.\n'
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(number) is before
