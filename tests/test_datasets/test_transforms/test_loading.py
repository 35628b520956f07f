# Copyright (c) aemim_mm contributors. All rights reserved.
import io

import mmcv
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmpretrain.datasets import CustomDataset
from mmpretrain.registry import TRANSFORMS
from PIL import Image

from aemim_mm.datasets import LoadImageOrSkip

_BACKENDS = pytest.mark.parametrize('backend', ['cv2', 'pillow'])


def _encode(kind):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


_JPEG, _PNG = _encode('JPEG'), _encode('PNG')
_GOOD = {
    'good.jpg': _JPEG,
    'good.png': _PNG,
    'good.bmp': _encode('BMP'),
    'padded.jpg': _JPEG + bytes(16),
    'followed.jpg': _JPEG + b'a comment',
    'followed.png': _PNG + b'a comment',
}
_BAD = {
    'cut.jpg': _JPEG[: len(_JPEG) // 2],
    'cut_late.jpg': _JPEG[:-100],
    'cut_early.jpg': _JPEG[:10],
    'cut.png': _PNG[: len(_PNG) // 2],
    'cut_late.png': _PNG[:-100],
    'cut_early.png': _PNG[:10],
    'empty.jpg': b'',
    'text.jpg': b'<html>404 not found</html>',
    'missing.jpg': None,
}


@pytest.fixture
def folder(tmp_path):
    for name, content in {**_GOOD, **_BAD}.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize('name', [*_GOOD, *_BAD])
def test_cut_files_are_found_whatever_the_decoder_says(
    folder, monkeypatch, name
):
    # Stands for a decoder that paints what is missing grey.
    grey = np.full((40, 30, 3), 128, np.uint8)
    monkeypatch.setattr(mmcv, 'imfrombytes', lambda *args, **kwargs: grey)
    loaded = LoadImageOrSkip()(dict(img_path=str(folder / name)))
    # A text is not recognised as cut: that is left to the decoder.
    assert (loaded is None) == (name in _BAD and name != 'text.jpg')


@_BACKENDS
@pytest.mark.parametrize('name', _GOOD)
def test_good_image(folder, warned, backend, name):
    cfg = dict(imdecode_backend=backend, to_float32=True)
    results = dict(img_path=str(folder / name), gt_label=3)
    stock = LoadImageFromFile(**cfg)(dict(results))
    load = TRANSFORMS.build(dict(type='LoadImageOrSkip', **cfg))
    loaded = load(dict(results))
    assert loaded.keys() == stock.keys()
    np.testing.assert_array_equal(loaded['img'], stock['img'])
    assert loaded['img'].dtype == np.float32
    assert loaded['img_shape'] == loaded['ori_shape'] == (40, 30)
    assert not warned and load.num_bad == 0


@_BACKENDS
@pytest.mark.parametrize('name', _BAD)
def test_bad_image_is_logged_and_skipped(folder, warned, backend, name):
    load = LoadImageOrSkip(imdecode_backend=backend)
    path = str(folder / name)
    assert load(dict(img_path=path)) is None
    assert load(dict(img_path=path)) is None
    assert len(warned) == 2
    for number, line in enumerate(warned, 1):
        assert path in line
        assert f'image number {number} of' in line


@_BACKENDS
@pytest.mark.parametrize('name', _BAD)
def test_bad_image_in_an_evaluation_raises(folder, backend, name):
    load = LoadImageOrSkip(test_mode=True, imdecode_backend=backend)
    with pytest.raises(OSError, match=rf'{name} is unreadable .*Error'):
        load(dict(img_path=str(folder / name)))


def test_stops_after_so_many_in_a_row(folder):
    load = LoadImageOrSkip(max_in_a_row=3)
    good = dict(img_path=str(folder / 'good.jpg'))
    bad = dict(img_path=str(folder / 'cut.jpg'))
    last = dict(img_path=str(folder / 'empty.jpg'))
    for _ in range(3):
        assert load(dict(bad)) is None
        assert load(dict(bad)) is None
        assert load(dict(good)) is not None
    load(dict(bad))
    load(dict(bad))
    with pytest.raises(
        OSError, match=r'^3 unreadable .*empty\.jpg \(OSError.*empty'
    ):
        load(dict(last))
    assert load.num_bad == 9


@_BACKENDS
def test_dataset_draws_another_sample(tmp_path, warned, backend):
    for name, content in (('a.jpg', _JPEG), ('b.jpg', _BAD['cut.jpg'])):
        (tmp_path / name).write_bytes(content)
    pipeline = [dict(type='LoadImageOrSkip', imdecode_backend=backend)]
    data = CustomDataset(str(tmp_path), with_label=False, pipeline=pipeline)
    expected = data[0]['img']
    replaced = data[1]
    assert replaced['img_path'].endswith('a.jpg')
    np.testing.assert_array_equal(replaced['img'], expected)
    assert any('b.jpg' in line for line in warned)
    data.test_mode = True
    with pytest.raises(Exception, match='Test time pip'):
        data[1]


def test_dataset_without_a_good_image_stops(tmp_path):
    for name in 'ab':
        (tmp_path / f'{name}.jpg').write_bytes(b'')
    pipeline = [dict(type='LoadImageOrSkip')]
    data = CustomDataset(str(tmp_path), with_label=False, pipeline=pipeline)
    with pytest.raises(OSError, match='^10 unreadable images in a row'):
        data[0]


def test_missing_root_fails_at_the_start():
    with pytest.raises(FileNotFoundError, match='no/such/folder'):
        CustomDataset(
            'no/such/folder',
            with_label=False,
            pipeline=[dict(type='LoadImageOrSkip')],
        )


@pytest.mark.parametrize('number', [0, -3, 1.5, None])
def test_wrong_max_in_a_row(number):
    with pytest.raises(ValueError, match='positive number of images'):
        LoadImageOrSkip(max_in_a_row=number)


def test_other_wrong_arguments():
    with pytest.raises(TypeError, match='ignore_empty'):
        LoadImageOrSkip(ignore_empty=True)


def test_repr():
    text = repr(LoadImageOrSkip(max_in_a_row=4, imdecode_backend='pillow'))
    assert text == (
        'LoadImageOrSkip(max_in_a_row=4, test_mode=False, to_float32=False, '
        "color_type='color', imdecode_backend='pillow', backend_args=None)"
    )
