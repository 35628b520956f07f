# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from tiny_run import ROOT

from benchmarks.cost.peak import own_peak, peak_memory

# Each measures in a process of its own.
pytestmark = pytest.mark.slow

CONFIG = str(
    ROOT / 'configs/pretrain/mae_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
)


@pytest.fixture(scope='module')
def small():
    return peak_memory(CONFIG, 2)


def test_a_process_of_its_own(small):
    """This process has held more; that one has not."""
    block = torch.ones(2**29 // 4)  # 512 MiB
    del block
    again = peak_memory(CONFIG, 2)
    assert 100e6 < small < 2e9
    assert again == pytest.approx(small, rel=0.1)
    assert own_peak(dict(config=CONFIG, batch_size=2)) > small


def test_activations_count(small):
    assert peak_memory(CONFIG, 2048) > small + 100e6


def test_any_working_directory(small, tmp_path, monkeypatch):
    """One with a folder of the same name, and a relative path from it."""
    (tmp_path / 'benchmarks').mkdir()
    (tmp_path / 'benchmarks' / '__init__.py').touch()
    (tmp_path / 'mine.py').write_text(f"_base_ = '{CONFIG}'")
    monkeypatch.chdir(tmp_path)
    assert peak_memory('mine.py', 2) == pytest.approx(small, rel=0.1)


def test_failure_is_told():
    with pytest.raises(RuntimeError, match='batch size 2 ended with exit'):
        peak_memory('no_such_config.py', 2)
