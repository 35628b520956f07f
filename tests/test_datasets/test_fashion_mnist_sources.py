# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import socket
import subprocess
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


@pytest.fixture
def serve(monkeypatch):
    """Start a server that gives these answers in turn; returns its URL."""
    # Whatever the environment says, the server is asked itself.
    monkeypatch.setenv('no_proxy', '*')
    crashes = []
    monkeypatch.setattr(threading, 'excepthook', crashes.append)
    server = socket.create_server(('127.0.0.1', 0))

    def run(answers):
        for answer in answers:
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(answer)

    def start(*answers):
        threading.Thread(target=run, args=[answers], daemon=True).start()
        return f'http://127.0.0.1:{server.getsockname()[1]}/'

    yield start
    server.close()
    assert crashes == []


GARBAGE = b'garbage ' * 1000 + b'\r\n\r\n'
FINE = b'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'


@pytest.mark.parametrize('answers', [[GARBAGE], [FINE, GARBAGE]])
def test_garbage_is_no_answer(serve, monkeypatch, tmp_path, answers):
    """At the first question, or at the first file."""
    url = serve(*answers)
    monkeypatch.setattr(sources.FashionMNIST, 'url_prefix', url)
    with pytest.raises(ConnectionError, match=f'from {url}') as caught:
        sources.download(str(tmp_path))
    assert 'garbage' in str(caught.value)
    assert len(str(caught.value)) < 300


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
    assert calls[0].endswith('download dataset-fashion-mnist')
    assert 'Dir::State::Lists' not in calls[0]
    assert f'Dir::State::Lists={here}/lists' in calls[1]
    assert calls[1].endswith('update')
    assert len(calls) == 3
    for call in calls:
        assert '-o Acquire::http::Timeout=20 ' in call
        assert '-o Acquire::https::Timeout=20 ' in call
        assert '-o Acquire::Retries=1 ' in call


def test_apt_has_one_limit_for_all_its_calls(monkeypatch, tmp_path, logged):
    """Each call takes 100 of the 180 s: the second is stopped."""
    fake_tools(monkeypatch, tmp_path / 'bin', '')
    clock, limits = [1000.0], []

    def run(command, timeout, **kwargs):
        limits.append(timeout)
        if timeout < 100:
            raise subprocess.TimeoutExpired(command, timeout)
        clock[0] += 100
        return subprocess.CompletedProcess(command, 100, b'E: no such package')

    monkeypatch.setattr(sources.time, 'monotonic', lambda: clock[0])
    monkeypatch.setattr(sources.subprocess, 'run', run)
    with pytest.raises(TimeoutError, match='apt-get was stopped after 180 s'):
        sources.unpack_debian(str(tmp_path))
    assert limits == [180, 80]
    assert len(logged) == 2
    assert '180 s' in logged[0]
    assert 'package lists' in logged[1]


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
