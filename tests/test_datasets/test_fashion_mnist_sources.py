# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import socket
import threading
from pathlib import Path

import pytest

from aemim_mm.datasets import _fashion_mnist_sources as sources
from aemim_mm.datasets.fashion_mnist import CHECKSUMS


def test_download_names_urls_and_restores_the_timeout(monkeypatch, tmp_path):
    calls, timeouts = [], []
    monkeypatch.setattr(sources, '_connect', lambda url: None)

    def fetch(url, root, extract_root, filename, md5):
        calls.append((url, root, filename, md5))
        timeouts.append(socket.getdefaulttimeout())

    monkeypatch.setattr(sources, 'download_and_extract_archive', fetch)
    before = socket.getdefaulttimeout()
    assert sources.download(str(tmp_path)) == str(tmp_path)
    assert socket.getdefaulttimeout() == before
    assert timeouts == [20] * 4
    assert [name for _, _, name, _ in calls] == [f'{n}.gz' for n in CHECKSUMS]
    assert all(url.endswith(f'.com/{name}') for url, _, name, _ in calls)


def test_silent_server_is_given_up(monkeypatch):
    released = threading.Event()

    def hang(*args, **kwargs):
        released.wait(60)
        raise OSError('over')

    monkeypatch.setattr(sources, 'CONNECT_SECONDS', 0.05)
    monkeypatch.setattr(sources.urllib.request, 'urlopen', hang)
    with pytest.raises(TimeoutError, match='no answer from http://x/'):
        sources._connect('http://x/')
    released.set()


def test_refused_connection_is_named(monkeypatch):
    def refuse(*args, **kwargs):
        raise sources.urllib.error.URLError('unknown host')

    monkeypatch.setattr(sources.urllib.request, 'urlopen', refuse)
    with pytest.raises(ConnectionError, match='http://x/.*unknown host'):
        sources._connect('http://x/')


FAKE_APT = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *update*) exit 0;;
  *Lists*download*) touch one.deb; exit 0;;
  *) echo "E: Unable to locate package" >&2; exit {code};;
esac
"""


def fake_tools(monkeypatch, folder, apt):
    folder.mkdir()
    unpack = (
        '#!/bin/sh\nmkdir -p "$3/usr/share/datasets/fashion-mnist"\n'
        'echo "$2" > "$3/usr/share/datasets/fashion-mnist/from"\n'
    )
    for name, text in {'apt-get': apt, 'dpkg-deb': unpack}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ['PATH']])
    monkeypatch.setenv('PATH', path)


def test_debian_package_with_lists_of_our_own(monkeypatch, tmp_path):
    log = tmp_path / 'log'
    apt = FAKE_APT.format(log=log, code=100)
    fake_tools(monkeypatch, tmp_path / 'bin', apt)
    here = tmp_path / 'here'
    here.mkdir()
    found = Path(sources.unpack_debian(str(here)))
    assert found == here / 'unpacked/usr/share/datasets/fashion-mnist'
    assert (found / 'from').read_text() == 'one.deb\n'
    calls = log.read_text().splitlines()
    assert calls[0] == 'download dataset-fashion-mnist'
    assert f'Dir::State::Lists={here}/lists' in calls[1]
    assert calls[1].endswith('update')


def test_debian_failure_repeats_apts_words(monkeypatch, tmp_path):
    apt = '#!/bin/sh\necho "E: Unable to locate package" >&2\nexit 100\n'
    fake_tools(monkeypatch, tmp_path / 'bin', apt)
    (tmp_path / 'here').mkdir()
    with pytest.raises(RuntimeError, match='^E: Unable to locate package'):
        sources.unpack_debian(str(tmp_path / 'here'))


def test_no_debian_no_package(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(FileNotFoundError, match='there is no apt-get'):
        sources.unpack_debian(str(tmp_path))
