# Copyright (c) aemim_mm contributors. All rights reserved.
import hashlib

import pytest
import tiny_run

from aemim_mm.datasets import ares_list

IDS = 'n15075141/ILSVRC2012_val_00000007.JPEG\nn01440764/v_2.JPEG'


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_run.caller('make_ares_list', monkeypatch, capsys)


def test_writes_an_annotation_file(run, tmp_path, monkeypatch):
    digest = hashlib.sha256(IDS.encode()).hexdigest()
    monkeypatch.setattr(ares_list, 'CHECKSUM', digest)
    (tmp_path / 'ids.txt').write_bytes(IDS.encode())
    out = tmp_path / 'meta' / 'ares.txt'
    status, text, err = run('--ids', tmp_path / 'ids.txt', out)
    assert (status, text, err) == (0, f'{out}: 2 images\n', '')
    assert out.read_text() == (
        'n15075141/ILSVRC2012_val_00000007.JPEG 999\nn01440764/v_2.JPEG 0\n'
    )


def test_refuses_another_list(run, tmp_path):
    (tmp_path / 'ids.txt').write_bytes(IDS.encode())
    out = tmp_path / 'ares.txt'
    status, text, err = run('--ids', tmp_path / 'ids.txt', out)
    assert (status, text) == (2, '')
    assert 'is not the published list' in err and 'pip download' in err
    assert not out.exists()
