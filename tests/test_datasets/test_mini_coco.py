# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image

from aemim_mm.datasets import mini_coco
from aemim_mm.datasets._mini_coco_scenes import CLASSES, paint_scene
from aemim_mm.datasets.mini_coco import write_mini_coco

COCO = pytest.importorskip('pycocotools.coco').COCO
pytest.importorskip('skimage')

SMALL = dict(num_train=3, num_val=2, size=(96, 64), seed=5)
SPLITS = [('train2017', 3, 0), ('val2017', 2, 1)]


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp('mini')
    return root, write_mini_coco(str(root), **SMALL)


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


def read(root, split):
    return COCO(str(root / 'annotations' / f'instances_{split}.json'))


def test_layout_is_that_of_coco(written):
    root, counts = written
    assert set(contents(root)) == {
        'annotations/instances_train2017.json',
        'annotations/instances_val2017.json',
        'train2017/000000000001.jpg',
        'train2017/000000000002.jpg',
        'train2017/000000000003.jpg',
        'val2017/000000010001.jpg',
        'val2017/000000010002.jpg',
    }
    ids = dict(images=[], annotations=[])
    for split, num, _ in SPLITS:
        coco = read(root, split)
        assert set(coco.dataset) == {
            'info',
            'licenses',
            'images',
            'annotations',
            'categories',
        }
        names = {c['id']: c['name'] for c in coco.dataset['categories']}
        assert names == {1: 'circle', 2: 'square', 3: 'triangle'}
        assert len(coco.imgs) == num
        assert len(coco.anns) == counts[split]
        for image in coco.imgs.values():
            assert image['file_name'] == f'{image["id"]:012d}.jpg'
            assert (image['width'], image['height']) == (96, 64)
            path = root / split / image['file_name']
            assert Image.open(path).size == (96, 64)
        assert {a['image_id'] for a in coco.anns.values()} == set(coco.imgs)
        for kind, known in ids.items():
            known += [item['id'] for item in coco.dataset[kind]]
    for known in ids.values():
        assert len(set(known)) == len(known)


@pytest.mark.parametrize('split, index', [(s, i) for s, _, i in SPLITS])
def test_annotations_are_the_painted_pixels(written, split, index):
    root, _ = written
    coco = read(root, split)
    for i, image_id in enumerate(sorted(coco.imgs)):
        rng = np.random.default_rng((5, index, i))
        pixels, objects = paint_scene(rng, 96, 64)
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image_id))
        for item, annotation in zip(objects, annotations, strict=True):
            assert annotation['category_id'] == item.label + 1
            assert annotation['iscrowd'] == 0
            mask = coco.annToMask(annotation)
            assert np.array_equal(mask, item.mask)
            assert annotation['area'] == item.mask.sum()
            rows, columns = np.nonzero(item.mask)
            assert annotation['bbox'] == [
                columns.min(),
                rows.min(),
                columns.max() - columns.min() + 1,
                rows.max() - rows.min() + 1,
            ]
        path = root / split / coco.imgs[image_id]['file_name']
        stored = np.asarray(Image.open(path)).astype(int)
        assert np.abs(stored - pixels).mean() < 3


@pytest.mark.det
def test_mmdet_reads_the_same_masks(written):
    from mmdet.registry import DATASETS

    root, _ = written
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(
            dict(
                type='CocoDataset',
                data_root=str(root),
                ann_file='annotations/instances_train2017.json',
                data_prefix=dict(img='train2017/'),
                metainfo=dict(classes=CLASSES),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(
                        type='LoadAnnotations', with_bbox=True, with_mask=True
                    ),
                ],
            )
        )
        assert len(dataset) == 3
        for i in range(3):
            _, objects = paint_scene(np.random.default_rng((5, 0, i)), 96, 64)
            sample = dataset[i]
            labels = [item.label for item in objects]
            assert sample['gt_bboxes_labels'].tolist() == labels
            masks = np.stack([item.mask for item in objects])
            assert np.array_equal(sample['gt_masks'].masks, masks)


def test_same_options_same_bytes(written, tmp_path):
    first = contents(written[0])
    write_mini_coco(str(tmp_path / 'again'), **SMALL)
    assert contents(tmp_path / 'again') == first
    write_mini_coco(str(tmp_path / 'other'), **dict(SMALL, seed=6))
    other = contents(tmp_path / 'other')
    assert other.keys() == first.keys()
    assert all(other[name] != first[name] for name in first)


def test_more_images_begin_with_the_same(written, tmp_path):
    first = contents(written[0])
    write_mini_coco(str(tmp_path), **dict(SMALL, num_train=4))
    more = contents(tmp_path)
    new = more.pop('train2017/000000000004.jpg')
    assert new not in first.values()
    changed = {name for name in first if more[name] != first[name]}
    assert changed == {'annotations/instances_train2017.json'}
    old, longer = (
        json.loads(files['annotations/instances_train2017.json'])
        for files in (first, more)
    )
    for key in ('images', 'annotations'):
        assert longer[key][: len(old[key])] == old[key]


def test_only_what_it_wrote_is_replaced_and_only_if_forced(tmp_path):
    root = str(tmp_path / 'mini')
    write_mini_coco(root, **SMALL)
    (tmp_path / 'mini' / 'notes.txt').write_text('mine')
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match='--force'):
        write_mini_coco(root, **dict(SMALL, num_train=1))
    assert contents(tmp_path) == before
    write_mini_coco(root, **dict(SMALL, num_train=1), force=True)
    assert set(before) - set(contents(tmp_path)) == {
        'mini/train2017/000000000002.jpg',
        'mini/train2017/000000000003.jpg',
    }


@pytest.mark.parametrize('annotations', [None, '{}', '[', '{"info": []}'])
def test_a_foreign_data_set_is_never_touched(tmp_path, annotations):
    (tmp_path / 'train2017').mkdir()
    (tmp_path / 'train2017' / '000000000009.jpg').write_bytes(b'precious')
    if annotations:
        (tmp_path / 'annotations').mkdir()
        path = tmp_path / 'annotations' / 'instances_train2017.json'
        path.write_text(annotations)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match='did not write'):
        write_mini_coco(str(tmp_path), **SMALL, force=True)
    assert contents(tmp_path) == before


def test_a_file_in_the_place_of_the_folder(tmp_path):
    path = tmp_path / 'mini'
    path.write_text('mine')
    with pytest.raises(FileExistsError, match='is a file'):
        write_mini_coco(str(path), **SMALL, force=True)
    assert path.read_text() == 'mine'


def test_failure_leaves_everything_as_it_was(tmp_path, monkeypatch):
    write_mini_coco(str(tmp_path), **SMALL)
    before = contents(tmp_path)
    calls = []

    def fail(rng, width, height):
        calls.append(1)
        if len(calls) == 5:  # the last image of the validation split
            raise OSError('no space left')
        return paint_scene(rng, width, height)

    monkeypatch.setattr(mini_coco, 'paint_scene', fail)
    with pytest.raises(OSError, match='no space left'):
        write_mini_coco(str(tmp_path), **dict(SMALL, seed=9), force=True)
    assert contents(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {
        'train2017',
        'val2017',
        'annotations',
    }


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_train=0), 'num_train is 0; it must be 1 to 9999'),
        (dict(num_val=10000), 'num_val is 10000; it must be 1 to 9999'),
        (dict(size=(224, 63)), r'size is \(224, 63\); .* 64 to 1024 pixels'),
        (dict(size=(1025, 160)), r'size is \(1025, 160\)'),
        (dict(size=(160,)), r'size is \(160,\)'),
        (dict(seed=-1), 'seed is -1; it must not be negative'),
    ],
)
def test_bad_numbers_are_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_mini_coco(str(tmp_path / 'new'), **{**SMALL, **options})
    assert not (tmp_path / 'new').exists()
