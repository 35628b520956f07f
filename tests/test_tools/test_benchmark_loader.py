# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import sys

import pytest
from tiny_run import ROOT, exit_code, load_tool

FINETUNE = ROOT / 'configs' / '_base_' / 'datasets'
FINETUNE /= 'imagenet_bs256_finetune.py'


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool; its settings of threads end with the test."""
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    # The files, which must be gone afterwards.
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    yield load_tool('benchmark_loader')
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def test_a_tiny_run(tool, tmp_path, capsys):
    pytest.importorskip('skimage')
    out = tmp_path / 'out.json'
    options = ['--images=3', '--batch-size=2', '--num-workers=0']
    assert tool.main([*options, '--rounds=2', f'--json={out}']) == 0
    text = capsys.readouterr().out
    content = json.loads(out.read_text())
    rows = {row['name']: row for row in content['rows']}
    for name, row in rows.items():
        assert f'| {name} | {row["images_per_second"]:.0f} |' in text
        median = sum(row['seconds']) / 2
        assert row['images_per_second'] == pytest.approx(3 / median)
    assert list(rows)[:4] == [
        'aemim_mm',
        'torchvision',
        'timm',
        'torchvision, tensors',
    ]
    others = list(rows)[1:4]
    assert content['best'] == max(
        others, key=lambda name: rows[name]['images_per_second']
    )
    assert rows[content['best']]['ratio'] == 1
    assert '3 files of ' in text and f'ratio to {content["best"]}' in text
    # What the shipped config was chosen by.
    largest = {n: row['difference']['largest'] for n, row in rows.items()}
    assert largest['aemim_mm, resized by pillow'] == 0
    assert largest['aemim_mm, stock RandomResizedCrop'] == 0
    assert rows['aemim_mm']['difference']['share_above_1'] < 0.001
    assert largest['aemim_mm'] == largest['torchvision, tensors']
    assert largest['aemim_mm, resized by cv2'] > 20
    assert list(tmp_path.iterdir()) == [out]


def test_errors_are_one_line(tool, tmp_path, capsys):
    pytest.importorskip('skimage')
    tiny = ['--images=1', '--num-workers=0', '--rounds=1']
    assert exit_code(tool.main, [*tiny, f'--config={FINETUNE}']) == 2
    err = capsys.readouterr().err
    assert 'RandAugment' in err and 'only loading, one random' in err
    assert not list(tmp_path.iterdir())


def test_without_scikit_image(tool, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'skimage', None)
    from aemim_mm.datasets import _mini_coco_scenes

    _mini_coco_scenes.load_photograph.cache_clear()
    argv = ['--images=1', '--num-workers=0']
    assert exit_code(tool.main, argv) == 2
    assert 'pip install scikit-image' in capsys.readouterr().err
