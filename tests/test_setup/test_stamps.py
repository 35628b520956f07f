# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import stamps

HERE = Path(sys.executable)


def test_read_pins_skips_comments(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('# why\n\none==1.0  # note\ntwo==2\n')
    assert stamps.read_pins([path]) == {'one': '1.0', 'two': '2'}


def test_read_pins_wants_exact_versions(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('one>=1.0\n')
    with pytest.raises(ValueError, match="'one>=1.0' has no exact version"):
        stamps.read_pins([path])


def test_digest_changes_with_contents_and_facts(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('one==1\n')
    first = stamps.digest([path], '3.11')
    assert stamps.digest([path], '3.11') == first
    assert stamps.digest([path], '3.12') != first
    path.write_text('one==2\n')
    assert stamps.digest([path], '3.11') != first


def test_find_missing_asks_the_environment():
    have = version('pytest')
    assert stamps.find_missing(HERE, {'pytest': have}, ops=False) == []
    assert stamps.find_missing(
        HERE, {'pytest': '0.1', 'no-such-one': '1'}, ops=False
    ) == [f'pytest==0.1 (found: {have})', 'no-such-one==1 (found: None)']


def test_find_missing_accepts_a_stand_in(monkeypatch):
    monkeypatch.setattr(stamps, 'STAND_INS', {'no-such-one': 'pytest'})
    have = version('pytest')
    assert stamps.find_missing(HERE, {'no-such-one': have}, ops=False) == []
    assert stamps.find_missing(HERE, {'no-such-one': '0.1'}, ops=False) == [
        'no-such-one==0.1 (found: None)'
    ]


@pytest.mark.parametrize('has_ops', [True, False])
def test_find_missing_looks_for_the_ops(tmp_path, has_ops):
    python = tmp_path / 'python'
    answer = json.dumps([{'opencv-python-headless': None}, has_ops])
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(0o755)
    missing = stamps.find_missing(python, {}, ops=True)
    assert missing == ([] if has_ops else ["mmcv's compiled ops"])
    assert stamps.find_missing(python, {}, ops=False) == []


def test_stamp_counts_only_if_the_parts_are_there(tmp_path):
    stamp = tmp_path / 'stamp'
    have = {'pytest': version('pytest')}
    assert not stamps.is_done(stamp, 'abc', HERE, have, ops=False)
    stamp.write_text('abc')
    assert stamps.is_done(stamp, 'abc', HERE, have, ops=False)
    assert not stamps.is_done(stamp, 'abd', HERE, have, ops=False)
    gone = {'no-such-one': '1'}
    assert not stamps.is_done(stamp, 'abc', HERE, gone, ops=False)
