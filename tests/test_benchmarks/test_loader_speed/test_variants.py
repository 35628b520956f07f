# Copyright (c) aemim_mm contributors. All rights reserved.
import mmcv

from benchmarks.loader_speed import variants
from benchmarks.loader_speed.variants import variants_of

PIPELINE = [
    dict(type='LoadImageOrSkip'),
    dict(
        type='FastRandomResizedCrop',
        scale=32,
        backend='torch',
        interpolation='bicubic',
    ),
    dict(type='PackInputs'),
]


def test_one_thing_is_changed(monkeypatch):
    monkeypatch.setattr(variants, 'can_decode', lambda name: name != 'x')
    monkeypatch.setattr(variants, 'DECODERS', ('cv2', 'pillow', 'x'))
    found = variants_of(PIPELINE)
    assert list(found) == [
        'aemim_mm',
        'aemim_mm, decoded by pillow',
        'aemim_mm, resized by pillow',
        'aemim_mm, resized by cv2',
        'aemim_mm, stock RandomResizedCrop',
    ]
    own, decoded, by_pillow, by_cv2, stock = found.values()
    assert own == PIPELINE
    assert decoded[0]['imdecode_backend'] == 'pillow'
    assert decoded[1:] == own[1:]
    assert by_pillow[1] == dict(PIPELINE[1], backend='pillow')
    assert by_cv2[1] == dict(PIPELINE[1], backend='cv2')
    # Stock has no backend torch.
    assert stock[1] == dict(by_pillow[1], type='RandomResizedCrop')


def test_of_a_stock_pipeline(monkeypatch):
    monkeypatch.setattr(variants, 'can_decode', lambda name: False)
    crop = dict(type='RandomResizedCrop', scale=32)
    found = variants_of([PIPELINE[0], crop, PIPELINE[2]])
    names = ['aemim_mm, resized by pillow', 'aemim_mm, resized by torch']
    assert list(found) == ['aemim_mm', *names]
    for name, backend in zip(names, ('pillow', 'torch'), strict=True):
        assert found[name][1] == dict(
            type='FastRandomResizedCrop',
            scale=32,
            interpolation='bilinear',
            backend=backend,
        )


def test_can_decode_leaves_mmcv_as_it_was():
    before = mmcv.image.io.imread_backend
    assert variants.can_decode('pillow')
    assert isinstance(variants.can_decode('turbojpeg'), bool)
    assert mmcv.image.io.imread_backend == before
