# Copyright (c) aemim_mm contributors. All rights reserved.
import os
from dataclasses import replace

import pytest
from mmpretrain.registry import DATASETS
from PIL import Image
from variant_trees import SYNSETS, labels_by_name, write_image, write_tree

from aemim_mm.datasets import imagenet_variant
from aemim_mm.datasets.robustness_pipelines import eval_pipeline
from aemim_mm_cli.imagenet_variants import variant_info


def build(root, **options):
    cfg = dict(type='ImageNetVariant', data_root=str(root), **options)
    return DATASETS.build(cfg)


def test_v2_folders_are_class_indices(tmp_path):
    files = [f'{i}/{i:040x}.jpeg' for i in (0, 1, 2, 10, 100)]
    dataset = build(write_tree(tmp_path, files))
    expected = {name: int(name.split('/')[0]) for name in files}
    assert labels_by_name(dataset) == expected
    assert dataset.num_classes_found == 5


@pytest.mark.parametrize('file', ['README.txt', 'notes/README.md'])
def test_a_and_r_keep_the_indices_of_all_1000(tmp_path, file):
    files = {f'{name}/0.00_x_0.9.jpg': i for name, i in SYNSETS.items()}
    dataset = build(write_tree(tmp_path, [*files, file]))
    assert labels_by_name(dataset) == files
    assert len(dataset.CLASSES) == 1000


def test_extensions_in_either_case_and_empty_folders(tmp_path):
    files = ['1.JPEG', '2.jpeg', '3.JPG', '4.png', '._5.JPEG', '6.txt']
    root = write_tree(tmp_path, [f'n12144580/{name}' for name in files])
    os.makedirs(tmp_path / 'n01440764')
    dataset = build(root)
    assert list(labels_by_name(dataset)) == [
        f'n12144580/{name}' for name in files[:4]
    ]
    assert set(dataset.get_gt_labels()) == {987}
    assert (dataset.num_found, dataset.num_classes_found) == (4, 1)


def test_class_file(tmp_path):
    root = write_tree(tmp_path / 'val', ['Bag/1.png', 'Coat/1.png'])
    (tmp_path / 'classes.txt').write_text('Dress\nCoat\nBag\n')
    dataset = build(root, class_file=str(tmp_path / 'classes.txt'))
    assert labels_by_name(dataset) == {'Bag/1.png': 2, 'Coat/1.png': 1}
    assert dataset.CLASSES == ('Dress', 'Coat', 'Bag')


def test_layouts_are_checked(tmp_path):
    root = write_tree(tmp_path, ['0/1.jpeg', 'n01440764/1.jpeg'])
    with pytest.raises(ValueError, match='mixes two layouts'):
        build(root)
    root = write_tree(tmp_path / 'other', ['0/1.jpeg', 'stray/1.jpeg'])
    with pytest.raises(ValueError, match='the folder stray holds images'):
        build(root)


def test_fewer_images_than_the_original(tmp_path, warned):
    root = write_tree(tmp_path, ['n01498041/1.jpg', 'n12144580/1.jpg'])
    dataset = build(root, variant='a')
    assert not dataset.complete
    assert dataset.num_found == 2
    (warning,) = warned
    assert (
        '2 images instead of 7500 and 2 classes with images instead of 200'
        in warning
    )
    assert 'imagenet-a.tar' in warning
    with pytest.raises(ValueError, match='2 images instead of 7500'):
        build(root, variant='a', strict=True)


def test_as_many_as_the_original(tmp_path, warned, monkeypatch):
    root = write_tree(tmp_path, ['n01498041/1.jpg', 'n12144580/1.jpg'])

    def original(images, classes):
        info = replace(
            variant_info('a'), num_images=images, num_classes=classes
        )
        monkeypatch.setattr(imagenet_variant, 'variant_info', lambda _: info)

    original(2, 2)
    assert build(root, variant='a', strict=True).complete and not warned
    original(2, 3)
    with pytest.raises(ValueError, match='has 2 classes with .* instead of 3'):
        build(root, variant='a', strict=True)
    # More are as suspicious: a copy of V2 has 20 images per class.
    original(1, 2)
    assert not build(root, variant='a').complete


def test_all_classes_of_a_class_file_are_there(tmp_path, warned):
    (tmp_path / 'classes.txt').write_text('bag\nboot\n')
    own = dict(variant='c', class_file=str(tmp_path / 'classes.txt'))
    root = write_tree(tmp_path / 'a', ['bag/1.webp', 'boot/2.TIF'])
    dataset = build(root, **own, strict=True)
    assert dataset.complete and dataset.num_found == 2 and not warned
    # As a tree that is half written
    root = write_tree(tmp_path / 'b', ['bag/1.jpg', 'boot/none.txt'])
    assert not build(root, **own).complete
    assert '1 classes with images instead of 2: results' in warned[0]
    assert 'not of all classes in' in warned[0]
    with pytest.raises(ValueError, match='instead of 2'):
        build(root, **own, strict=True)


def test_missing_and_empty_say_where_to_get_the_data(tmp_path):
    with pytest.raises(FileNotFoundError, match='no folder .*gone.*zenodo'):
        build(tmp_path / 'gone', variant='c')
    with pytest.raises(ValueError, match='no class folders.*HaohanWang'):
        build(write_tree(tmp_path, ['README.txt']), variant='sketch')


def test_flat_validation_images(tmp_path):
    name = 'ILSVRC2012_val_00000293.JPEG'
    root = write_tree(tmp_path, [name, 'ILSVRC2012_val_00000294.JPEG'])
    with pytest.raises(ValueError, match=f'2 images, such as {name}.*valprep'):
        build(root)
    (tmp_path / 'val.txt').write_text(f'{name} 0\n')
    dataset = build(root, ann_file='val.txt', variant='imagenet')
    assert labels_by_name(dataset) == {name: 0}
    # A list asks for what it names.
    assert dataset.complete


def test_list_of_images(tmp_path):
    files = [f'{name}/1.JPEG' for name in SYNSETS]
    root = write_tree(tmp_path / 'val', files)
    path = tmp_path / 'list.txt'
    path.write_text('n12144580/1.JPEG 987\nn01440764/1.JPEG 0\n')
    dataset = build(root, ann_file=str(path))
    assert labels_by_name(dataset) == {
        'n12144580/1.JPEG': 987,
        'n01440764/1.JPEG': 0,
    }
    path.write_text('')
    with pytest.raises(ValueError, match='list.txt names no images'):
        build(root, ann_file=str(path))


def test_exif_orientation_is_ignored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    write_image(tmp_path / 'n01440764' / '1.JPEG', (60, 30), exif=exif)
    load = eval_pipeline('imagenet')[0]
    dataset = build(tmp_path, pipeline=[load])
    assert dataset[0]['img'].shape == (30, 60, 3)


def test_unreadable_image_is_an_error(tmp_path):
    write_tree(tmp_path, ['n01440764/2.JPEG'])
    (tmp_path / 'n01440764' / '1.JPEG').write_bytes(b'broken')
    dataset = build(tmp_path, pipeline=eval_pipeline('imagenet'))
    with pytest.raises(Exception, match='1.JPEG'):
        dataset[0]
    assert dataset[1]['inputs'].shape == (3, 224, 224)
