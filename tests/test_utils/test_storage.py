# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import signal

import pytest
from mmengine.fileio import get_file_backend

from aemim_mm.utils.storage import AtomicLocalBackend, remove_partial


def test_is_built_by_name(tmp_path):
    path = tmp_path / 'folder' / 'file.pth'
    backend = get_file_backend(path, backend_args=dict(backend='atomic'))
    assert type(backend) is AtomicLocalBackend
    backend.put(b'old', path)
    backend.put(b'new', str(path))
    assert backend.get(path) == b'new'
    backend.put_text('\u03b5 = 2', path)
    assert path.read_bytes() == b'\xce\xb5 = 2'
    assert os.listdir(path.parent) == ['file.pth']


def test_respects_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        AtomicLocalBackend().put(b'x', tmp_path / 'file')
    finally:
        os.umask(old)
    assert (tmp_path / 'file').stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_kill_while_writing_keeps_the_old_file(tmp_path, call):
    path = tmp_path / 'file'
    backend = AtomicLocalBackend()
    backend.put(b'old', path)
    child = os.fork()
    if not child:
        # Dies in the middle of the write.
        setattr(os, call, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        backend.put(b'new', path)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert path.read_bytes() == b'old'
    left = remove_partial(tmp_path)
    assert len(left) == 1 and left[0].startswith('file.')
    assert os.listdir(tmp_path) == ['file']


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'file'
    backend = AtomicLocalBackend()
    backend.put(b'old', path)

    def full(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'):
        backend.put(b'new', path)
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['file']


def test_remove_partial_touches_nothing_else(tmp_path):
    (tmp_path / 'a.pth').touch()
    (tmp_path / 'a.pth.0.partial').touch()
    (tmp_path / 'b.partial').mkdir()
    (tmp_path / 'b.partial' / 'last_checkpoint').touch()
    assert remove_partial(tmp_path) == ['a.pth.0.partial', 'b.partial']
    assert os.listdir(tmp_path) == ['a.pth']
    assert remove_partial(tmp_path / 'nothing') == []
