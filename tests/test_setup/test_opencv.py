# Copyright (c) aemim_mm contributors. All rights reserved.
import opencv
import pytest

PINS = {'opencv-python-headless': '4.12.0.88'}
NO_GL = 'ImportError: libGL.so.1: cannot open shared object file: No such file'


@pytest.fixture
def fake_python(tmp_path):
    """A stand-in for Python: cv2 fails until pip has installed once."""

    def make(error, cured=True):
        python = tmp_path / 'python'
        cure = f'touch {tmp_path}/cured' if cured else 'true'
        python.write_text(
            '#!/bin/sh\n'
            f'echo "$@" >> {tmp_path}/log\n'
            f'if [ "$1" = -m ]; then {cure}; exit 0; fi\n'
            f'[ -e {tmp_path}/cured ] && exit 0\n'
            f'echo Traceback >&2; echo "{error}" >&2; exit 1\n'
        )
        python.chmod(0o755)
        return python

    return make


def test_nothing_to_do_where_cv2_works(fake_python, tmp_path):
    (tmp_path / 'cured').touch()
    python = fake_python(NO_GL)
    assert not opencv.use_headless_if_needed(python, PINS)
    assert (tmp_path / 'log').read_text() == '-c import cv2\n'


def test_headless_takes_the_place(fake_python, tmp_path, capsys):
    assert opencv.use_headless_if_needed(fake_python(NO_GL), PINS)
    _, remove, add, _ = (tmp_path / 'log').read_text().splitlines()
    assert 'uninstall' in remove
    assert remove.endswith('opencv-python opencv-python-headless')
    assert add.endswith('--no-deps opencv-python-headless==4.12.0.88')
    assert 'libGL.so.1' in capsys.readouterr().out


def test_another_error_is_not_hidden(fake_python, tmp_path):
    python = fake_python('ImportError: numpy.core is broken')
    with pytest.raises(RuntimeError, match='numpy.core is broken'):
        opencv.use_headless_if_needed(python, PINS)
    assert (tmp_path / 'log').read_text() == '-c import cv2\n'


def test_headless_that_fails_too_is_an_error(fake_python):
    with pytest.raises(RuntimeError, match='libGL.so.1'):
        opencv.use_headless_if_needed(fake_python(NO_GL, cured=False), PINS)
