# Copyright (c) aemim_mm contributors. All rights reserved.
import signal

import pytest

from aemim_mm.launcher.interruptions import Interruptions
from aemim_mm_cli.interruption import Interrupted


@pytest.fixture(autouse=True)
def _typed(monkeypatch):
    monkeypatch.setenv('AEMIM_COMMAND', 'train.py c.py')


def interrupt(work_dir, error=None):
    """A SIGTERM in the block; its exit code."""
    with pytest.raises(SystemExit) as stop, Interruptions() as interruptions:
        interruptions.work_dir = work_dir
        try:
            signal.raise_signal(signal.SIGTERM)
        except Interrupted:
            raise error or Interrupted(143) from None
    assert not isinstance(stop.value, Interrupted)
    return stop.value.code


@pytest.mark.parametrize(
    'latest, says',
    [
        (
            'w/epoch_3.pth',
            '\nInterrupted by SIGTERM; the latest checkpoint is w/epoch_3.pth.'
            ' To go on:\n  train.py c.py --resume\n',
        ),
        (
            None,
            '\nInterrupted by SIGTERM; before the first checkpoint was '
            'written. To start again:\n  train.py c.py\n',
        ),
    ],
)
def test_message_and_no_stray_file(tmp_path, capsys, latest, says):
    if latest:
        (tmp_path / 'last_checkpoint').write_text(latest)
    (tmp_path / 'epoch_4.pth.0.partial').touch()
    (tmp_path / 'tmp_1.partial').mkdir()
    assert interrupt(str(tmp_path)) == 143
    assert capsys.readouterr().err == says
    assert not list(tmp_path.glob('*.partial'))


def test_a_second_signal_changes_neither_code_nor_message(
    tmp_path, capsys, monkeypatch
):
    """While what is half-written is removed, and after the message."""

    def told_again(folder):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(
        'aemim_mm.launcher.interruptions.remove_partial', told_again
    )
    assert interrupt(str(tmp_path)) == 143
    signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr().err.count('Interrupted by SIGTERM') == 1


def test_an_error_that_comes_of_the_signal_is_none(tmp_path, capsys):
    error = RuntimeError('Connection closed by peer')
    assert interrupt(str(tmp_path), error) == 143
    assert 'Connection' not in capsys.readouterr().err


def test_before_training_nothing_is_said_of_other_checkpoints(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'last_checkpoint').write_text('of another run')
    assert interrupt(None) == 143
    message = capsys.readouterr().err
    assert 'before training began: no checkpoint was written' in message
    assert '--resume' not in message and 'another' not in message


def test_one_of_several_processes_says_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '1')
    assert interrupt(str(tmp_path)) == 143
    assert capsys.readouterr().err == ''


def test_other_errors_pass():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), Interruptions():
        raise RuntimeError
    assert signal.getsignal(signal.SIGTERM) is before
