# Copyright (c) aemim_mm contributors. All rights reserved.
"""The ways to fetch Fashion-MNIST, each with a time limit.

Each way takes a scratch folder, returns the folder that then holds the four
files, gzipped or unpacked, and raises ``OSError`` or ``RuntimeError`` where
it does not work on this machine.
"""

import http.client
import os
import os.path as osp
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from mmengine.logging import print_log
from mmpretrain.datasets import FashionMNIST
from mmpretrain.datasets.utils import download_and_extract_archive

DEBIAN_PACKAGE = 'dataset-fashion-mnist'
DEBIAN_FOLDER = 'usr/share/datasets/fashion-mnist'
CONNECT_SECONDS = 20
# For all calls together, and for each connection they make.
APT_SECONDS = 180
APT_LIMITS = (
    *('-o', f'Acquire::http::Timeout={CONNECT_SECONDS}'),
    *('-o', f'Acquire::https::Timeout={CONNECT_SECONDS}'),
    *('-o', 'Acquire::Retries=1'),
)


def find_installed(folder: str) -> str:
    """Take the files of Debian's package, where that is installed."""
    if not osp.isdir(f'/{DEBIAN_FOLDER}'):
        raise FileNotFoundError('no such folder')
    return f'/{DEBIAN_FOLDER}'


def download(folder: str) -> str:
    """Let mmpretrain download into a folder, if the server answers in time."""
    url = FashionMNIST.url_prefix
    _connect(url)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECT_SECONDS)
    try:
        for name, md5 in FashionMNIST.train_list + FashionMNIST.test_list:
            download_and_extract_archive(url + name, folder, None, name, md5)
    except http.client.HTTPException as error:
        # A server or proxy that does not speak HTTP; no OSError.
        raise ConnectionError(_garbage(url, error)) from error
    finally:
        socket.setdefaulttimeout(before)
    return folder


def _garbage(url: str, error: http.client.HTTPException) -> str:
    """The message; the error may hold a whole line of what was received."""
    return f'no HTTP answer from {url} ({error!r:.100})'


def _connect(url: str) -> None:
    """Ask a server for anything; name resolution has no time limit itself."""
    outcome: list[str] = []

    def ask() -> None:
        request = urllib.request.Request(url, method='HEAD')
        try:
            urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()
        except urllib.error.HTTPError:
            pass  # An answer all the same.
        except http.client.HTTPException as error:
            outcome.append(_garbage(url, error))
        except (OSError, ValueError) as error:
            outcome.append(f'no answer from {url} ({error})')

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f'no answer from {url} in {CONNECT_SECONDS} s')
    if outcome:
        raise ConnectionError(outcome[0])


def unpack_debian(folder: str) -> str:
    """Unpack Debian's package; returns the folder with the files."""
    for tool in ('apt-get', 'dpkg-deb'):
        if not shutil.which(tool):
            raise FileNotFoundError(f'there is no {tool}')
    end = time.monotonic() + APT_SECONDS
    apt = ('apt-get', *APT_LIMITS)
    _tell(f'asking apt-get, for {APT_SECONDS} s at most')
    try:
        _run(folder, end, *apt, 'download', DEBIAN_PACKAGE)
    except RuntimeError:
        # Package lists are often missing in containers: fetch our own.
        _tell('apt-get cannot find it; trying with fresh package lists')
        os.makedirs(osp.join(folder, 'lists', 'partial'))
        own = ['-o', f'Dir::State::Lists={folder}/lists']
        own += ['-o', f'Dir::Cache={folder}', '-o', 'APT::Sandbox::User=root']
        _run(folder, end, *apt, *own, 'update')
        _run(folder, end, *apt, *own, 'download', DEBIAN_PACKAGE)
    packages = [name for name in os.listdir(folder) if name.endswith('.deb')]
    if not packages:
        raise FileNotFoundError('apt-get downloaded no package')
    _run(folder, end, 'dpkg-deb', '-x', packages[0], 'unpacked')
    return osp.join(folder, 'unpacked', DEBIAN_FOLDER)


def _tell(text: str) -> None:
    print_log(f'Fashion-MNIST: {text}', logger='current')


def _run(folder: str, end: float, *command: str) -> None:
    """Run a command until ``end``; its last line is the error's text."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=end - time.monotonic(),
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(
            f'{command[0]} was stopped after {APT_SECONDS} s'
        ) from error
    if done.returncode:
        lines = done.stdout.decode(errors='replace').strip().splitlines()
        raise RuntimeError(' '.join(lines[-1:]) or f'{command[0]} failed')


WAYS = {
    f'the folder /{DEBIAN_FOLDER}': find_installed,
    "mmpretrain's download": download,
    f"Debian's package {DEBIAN_PACKAGE}": unpack_debian,
}
