# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import pytest

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
    code = compile('raise error', 'aemim_mm/part.py', 'exec')
    with pytest.raises(SystemExit) as stop, user_errors():
        exec(code, dict(error=error))
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == '' and err.endswith(message) and err.count('\n') == 1


def test_of_another_librarys_error_kind_and_place_are_told(capsys):
    with pytest.raises(SystemExit), user_errors():
        raise KeyError('type')
    said = capsys.readouterr().err
    assert said.startswith("error: KeyError: 'type' (")
    assert '--traceback shows the way there' in said


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


def test_one_of_several_processes_prints(monkeypatch, capsys):
    monkeypatch.setenv('LOCAL_RANK', '1')
    with pytest.raises(SystemExit), user_errors():
        raise ValueError
    assert capsys.readouterr().err == ''


def test_run_main(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tool'])
    for main, code in ((lambda: 3, 3), (fail(ValueError()), 2)):
        with pytest.raises(SystemExit) as stop:
            run_main(main)
        assert stop.value.code == code
    monkeypatch.setattr(sys, 'argv', ['tool', '--traceback'])
    with pytest.raises(ValueError):
        run_main(fail(ValueError()))
