# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys
import threading

import pytest

from aemim_mm.utils.folder_lock import folder_lock


def test_a_command_that_is_left_behind_holds_the_folder(tmp_path, capsys):
    code = 'import sys; sys.stdin.read()'
    with folder_lock(tmp_path) as handles:
        left = subprocess.Popen(
            [sys.executable, '-c', code],
            stdin=subprocess.PIPE,
            pass_fds=handles,
        )
    inside = threading.Event()

    def call():
        with folder_lock(tmp_path, f'{tmp_path} is busy'):
            inside.set()

    second = threading.Thread(target=call)
    second.start()
    assert not inside.wait(0.5)
    left.communicate()
    assert inside.wait(30)
    second.join()
    assert f'{tmp_path} is busy' in capsys.readouterr().out


def test_it_is_free_after_an_error(tmp_path, capsys):
    with pytest.raises(RuntimeError), folder_lock(tmp_path):
        raise RuntimeError
    with folder_lock(tmp_path):
        assert capsys.readouterr().out == ''
