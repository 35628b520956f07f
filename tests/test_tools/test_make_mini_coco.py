# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
import tiny_run
from PIL import Image
from tiny_run import ROOT, load_tool


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_run.caller('make_mini_coco', monkeypatch, capsys)


def test_options_and_summary(run, tmp_path):
    pytest.importorskip('skimage')
    root = tmp_path / 'mini'
    status, out, err = run(
        root, '--num-train=2', '--num-val=1', '--size', 96, 64, '--seed=7'
    )
    assert (status, err) == (0, '')
    counts = []
    for split, num in (('train2017', 2), ('val2017', 1)):
        path = root / 'annotations' / f'instances_{split}.json'
        content = json.loads(path.read_text())
        counts.append(len(content['annotations']))
        files = sorted((root / split).iterdir())
        assert len(files) == len(content['images']) == num
        assert {Image.open(file).size for file in files} == {(96, 64)}
    assert out == (
        f'{root}: 2 training images with {counts[0]} objects, 1 validation '
        f'images with {counts[1]}; 96 x 64 pixels, seed 7\n'
    )


def test_refuses_to_overwrite_without_force(run, tmp_path):
    pytest.importorskip('skimage')
    small = [tmp_path, '--num-train=1', '--num-val=1', '--size', 64, 64]
    assert run(*small)[0] == 0
    picture = tmp_path / 'train2017' / '000000000001.jpg'
    before = picture.read_bytes()
    status, out, err = run(*small, '--seed=1')
    assert (status, out) == (2, '')
    assert f'{tmp_path} holds a mini-COCO already' in err and '--force' in err
    assert picture.read_bytes() == before
    assert run(*small, '--seed=1', '--force')[0] == 0
    assert picture.read_bytes() != before


def test_bad_number_is_one_line(run, tmp_path):
    status, out, err = run(tmp_path / 'mini', '--num-val=0')
    assert (status, out) == (2, '')
    assert err == 'error: num_val is 0; it must be 1 to 9999.\n'


def test_configs_read_the_default_folder():
    tool = load_tool('make_mini_coco')
    assert tool.parse_args([]).root == str(ROOT / 'data' / 'mini_coco')
