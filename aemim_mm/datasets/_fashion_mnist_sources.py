# Copyright (c) aemim_mm contributors. All rights reserved.
"""The ways to fetch Fashion-MNIST, each with a time limit.

Each way takes a scratch folder, returns the folder that then holds the four
files, gzipped or unpacked, and raises ``OSError`` or ``RuntimeError`` where
it does not work on this machine.
"""

import os
import os.path as osp
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from mmpretrain.datasets import FashionMNIST
from mmpretrain.datasets.utils import download_and_extract_archive

DEBIAN_PACKAGE = 'dataset-fashion-mnist'
DEBIAN_FOLDER = 'usr/share/datasets/fashion-mnist'
CONNECT_SECONDS = 20
APT_SECONDS = 300


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
    finally:
        socket.setdefaulttimeout(before)
    return folder


def _connect(url: str) -> None:
    """Ask a server for anything; name resolution has no time limit itself."""
    outcome: list[BaseException] = []

    def ask() -> None:
        request = urllib.request.Request(url, method='HEAD')
        try:
            urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()
        except urllib.error.HTTPError:
            pass  # An answer all the same.
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f'no answer from {url} in {CONNECT_SECONDS} s')
    if outcome:
        raise ConnectionError(f'no answer from {url} ({outcome[0]})')


def unpack_debian(folder: str) -> str:
    """Unpack Debian's package; returns the folder with the files."""
    for tool in ('apt-get', 'dpkg-deb'):
        if not shutil.which(tool):
            raise FileNotFoundError(f'there is no {tool}')
    try:
        _run(folder, 'apt-get', 'download', DEBIAN_PACKAGE)
    except RuntimeError:
        # Package lists are often missing in containers: fetch our own.
        os.makedirs(osp.join(folder, 'lists', 'partial'))
        own = ['-o', f'Dir::State::Lists={folder}/lists']
        own += ['-o', f'Dir::Cache={folder}', '-o', 'APT::Sandbox::User=root']
        _run(folder, 'apt-get', *own, 'update')
        _run(folder, 'apt-get', *own, 'download', DEBIAN_PACKAGE)
    packages = [name for name in os.listdir(folder) if name.endswith('.deb')]
    if not packages:
        raise FileNotFoundError('apt-get downloaded no package')
    _run(folder, 'dpkg-deb', '-x', packages[0], 'unpacked')
    return osp.join(folder, 'unpacked', DEBIAN_FOLDER)


def _run(folder: str, *command: str) -> None:
    """Run a command in a folder; its last line is the error's text."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=APT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f'{command[0]} took {APT_SECONDS} s') from error
    if done.returncode:
        lines = done.stdout.decode(errors='replace').strip().splitlines()
        raise RuntimeError(' '.join(lines[-1:]) or f'{command[0]} failed')


WAYS = {
    f'the folder /{DEBIAN_FOLDER}': find_installed,
    "mmpretrain's download": download,
    f"Debian's package {DEBIAN_PACKAGE}": unpack_debian,
}
