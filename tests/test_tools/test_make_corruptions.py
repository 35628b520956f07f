# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
import tiny_run
from fashion_mnist_files import idx
from PIL import Image
from tiny_run import load_tool
from variant_trees import write_image


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_run.caller('make_corruptions', monkeypatch, capsys)


def test_options(run, tmp_path):
    pytest.importorskip('imagecorruptions')
    for name in ('a/1.jpg', 'a/2.jpg', 'b/3.jpg'):
        write_image(tmp_path / 'val' / name, (300, 260))
    out = tmp_path / 'c'
    options = ['--corruptions', 'contrast', 'jpeg_compression']
    options += ['--severities', '2', '5', '--per-class', '1', '--seed', '4']
    status, text, err = run(tmp_path / 'val', out, *options)
    assert status == 0 and 'picture/s' in err
    summary = f'{out}: 2 images x 4 corruptions and severities, '
    assert summary + '8 files written now' in text
    found = {p.relative_to(out).as_posix() for p in out.rglob('*.jpg')}
    assert found == {
        f'{corruption}/{severity}/{image}'
        for corruption in ('contrast', 'jpeg_compression')
        for severity in (2, 5)
        for image in ('a/1.jpg', 'b/3.jpg')
    }
    assert Image.open(out / 'contrast/5/a/1.jpg').size == (224, 224)
    status, text, err = run(tmp_path / 'val', out, *options)
    assert summary + '0 files written now' in text
    status, text, err = run(tmp_path / 'val', out, *options, '--quality=90')
    assert status == 2 and 'was begun with' in err


def test_all_75_cells_are_the_default():
    args = load_tool('make_corruptions').parse_args(['val', 'c'])
    assert len(args.corruptions) * len(args.severities) == 75
    assert (args.size, args.quality, args.keep_size) == (224, 85, False)


def test_fashion_mnist(run, tmp_path):
    pytest.importorskip('imagecorruptions')
    root = tmp_path / 'fashion_mnist'
    root.mkdir()
    images = idx(np.full((2, 28, 28), 77, np.uint8))
    labels = idx(np.array([8, 2], np.uint8))
    for split in ('train', 't10k'):
        (root / f'{split}-images-idx3-ubyte').write_bytes(images)
        (root / f'{split}-labels-idx1-ubyte').write_bytes(labels)
    val, out = tmp_path / 'val', tmp_path / 'c'
    options = ['--fashion-mnist', root, '--keep-size', '--severities', 1]
    status, text, err = run(val, out, *options, '--corruptions', 'fog')
    assert status == 0 and 'picture/s' in err
    assert f'{val}: 2 images' in text
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob('*.jpg'))
    assert found == ['fog/1/Bag/00000.jpg', 'fog/1/Pullover/00001.jpg']
    assert Image.open(out / found[0]).size == (28, 28)
