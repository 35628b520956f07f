# Copyright (c) aemim_mm contributors. All rights reserved.
import hashlib
import zipfile
from importlib import metadata

import pytest

from aemim_mm.datasets import ares_list
from aemim_mm.datasets.ares_list import annotate, read_ares_ids

# No line break at the end, as in the published file.
IDS = 'n15075141/ILSVRC2012_val_00000007.JPEG\nn01440764/v_2.JPEG'
NAMES = IDS.split('\n')


@pytest.fixture
def toy(monkeypatch):
    """A list of two images counts as the published one."""
    digest = hashlib.sha256(IDS.encode()).hexdigest()
    monkeypatch.setattr(ares_list, 'CHECKSUM', digest)


def wheel(path, member=ares_list.MEMBER):
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr(member, IDS)
    return str(path)


def test_text_file_and_wheel(toy, tmp_path):
    (tmp_path / 'ids.txt').write_bytes(IDS.encode())
    assert read_ares_ids(str(tmp_path / 'ids.txt')) == NAMES
    assert read_ares_ids(wheel(tmp_path / 'x.whl')) == NAMES


def test_labels_are_ranks():
    assert annotate(NAMES) == [f'{NAMES[0]} 999', f'{NAMES[1]} 0']


@pytest.mark.parametrize('text', [IDS + '\n', IDS.replace('7', '8')])
def test_another_list_is_refused(toy, tmp_path, text):
    path = tmp_path / 'ids.txt'
    path.write_bytes(text.encode())
    with pytest.raises(ValueError, match='not the published list.*robustbe'):
        read_ares_ids(str(path))


def test_the_checksum_is_the_published_one(tmp_path):
    path = tmp_path / 'ids.txt'
    path.write_bytes(IDS.encode())
    with pytest.raises(ValueError, match='instead of d4121626d07722a0126c35b'):
        read_ares_ids(str(path))


def test_wheel_of_something_else(toy, tmp_path):
    path = wheel(tmp_path / 'x.whl', 'other.txt')
    with pytest.raises(ValueError, match='x.whl has no robustbench/helper'):
        read_ares_ids(path)


def test_installed_package(toy, tmp_path, monkeypatch):
    folder = tmp_path / 'robustbench-1.1.1.dist-info'
    folder.mkdir()
    (folder / 'METADATA').write_text('Name: robustbench\nVersion: 1.1.1\n')
    (folder / 'RECORD').write_text(f'{ares_list.MEMBER},,\n')
    path = tmp_path / ares_list.MEMBER
    path.parent.mkdir(parents=True)
    path.write_bytes(IDS.encode())
    monkeypatch.syspath_prepend(str(tmp_path))
    assert read_ares_ids() == NAMES


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, 'files', absent)
    hint = 'pip download --no-deps robustbench==1.1.1'
    with pytest.raises(FileNotFoundError, match=f'not installed.*{hint}'):
        read_ares_ids()
    with pytest.raises(FileNotFoundError, match=f'no file .*gone.*{hint}'):
        read_ares_ids(str(tmp_path / 'gone'))
