# Copyright (c) aemim_mm contributors. All rights reserved.
import hashlib
import shutil
from dataclasses import replace

import pytest
from robustness_toys import LABELS
from variant_trees import SYNSETS, labels_by_name, write_tree

from aemim_mm.robustness.sources import (
    ImageSource,
    image_names,
    survey_sources,
)
from aemim_mm.robustness.suite import SuiteOptions
from aemim_mm_cli.choices import CORRUPTIONS
from aemim_mm_cli.imagenet_variants import VARIANTS

TREE = [
    *('n01440764/2.JPEG', 'n01440764/10.JPEG', 'n12144580/1.JPEG'),
    'README.txt',
]


def survey(root, **options):
    source = ImageSource('x', options.pop('variant', 'imagenet'), str(root))
    (found,) = survey_sources([replace(source, **options)]).values()
    return found


def cells(folder, names, severity=1):
    """Sources of ImageNet-C; the first ones are to be there."""
    options = SuiteOptions(
        str(folder), ['c'], corruptions=names, severities=[severity]
    )
    return options.sources()


def test_all_data_sets(data, warned):
    surveys = survey_sources(SuiteOptions(str(data)).sources())
    found = {name: (s.images, s.classes) for name, s in surveys.items()}
    for name, folder in (
        ('imagenet', 'imagenet/val'),
        ('v2', 'imagenetv2-matched-frequency-format-val'),
        ('a', 'imagenet-a'),
        ('r', 'imagenet-r'),
        ('sketch', 'sketch'),
    ):
        labels = LABELS[folder]
        assert found.pop(name) == (len(labels), len(set(labels)))
        assert surveys[name].folder == str(data / folder)
    assert found == {
        f'c/{name}/{i}': (3, 3) for name in CORRUPTIONS for i in range(1, 6)
    }
    assert not any(s.complete for s in surveys.values())
    assert len(warned) == 5 + 75
    assert len({s.sha256 for s in surveys.values()}) == 5 + 1


def test_missing_folders_are_named_at_once(tmp_path):
    (tmp_path / 'sketch').mkdir()
    options = SuiteOptions(str(tmp_path), attack_list='list.txt')
    with pytest.raises(FileNotFoundError) as error:
        survey_sources(options.sources())
    lines = str(error.value).splitlines()
    expected = {
        'ImageNet-1K validation': ('imagenet/val', 'image-net.org'),
        'ImageNet-V2 matched-frequency': (
            'imagenetv2-matched-frequency-format-val',
            'huggingface.co/datasets/vaishaal/ImageNetV2',
        ),
        'ImageNet-A': ('imagenet-a', 'natural-adv-examples'),
        'ImageNet-R': ('imagenet-r', 'hendrycks/imagenet-r'),
    }
    for line, (title, words) in zip(lines, expected.items(), strict=False):
        folder, origin = words
        start = f'{title}: there is no folder {tmp_path / folder}. It is at '
        assert line.startswith(start) and origin in line
    assert len(lines) == 5
    folders = [
        str(tmp_path / 'imagenet-c' / name / str(i))
        for name in CORRUPTIONS[:2]
        for i in range(1, 6)
    ]
    assert lines[4].startswith(
        f'ImageNet-C: there is no folder {", ".join(folders[:8])}, and 67 more'
        '. It is at https://zenodo.org/record/2235448'
    )


@pytest.mark.parametrize('missing', [1, 8, 9])
def test_missing_cells(tmp_path, missing):
    there = 15 - missing
    for name in CORRUPTIONS[:there]:
        (tmp_path / 'imagenet-c' / name / '1').mkdir(parents=True)
    with pytest.raises(FileNotFoundError) as error:
        survey_sources(cells(tmp_path, CORRUPTIONS))
    (line,) = str(error.value).splitlines()
    for name in CORRUPTIONS[:there]:
        assert name not in line
    for name in CORRUPTIONS[there : there + 8]:
        assert str(tmp_path / 'imagenet-c' / name / '1') in line
    assert ('and 1 more.' in line) == (missing == 9)
    assert (' more.' in line) == (missing == 9)
    assert CORRUPTIONS[-1] in line or missing == 9


def test_empty_cells(tmp_path):
    names = ['snow', 'frost', 'fog']
    for name in names:
        write_tree(tmp_path / 'imagenet-c' / name / '1', ['n01440764/1.JPEG'])
    for name in ('snow', 'fog'):
        path = tmp_path / 'imagenet-c' / name / '1' / 'n01440764' / '1.JPEG'
        path.unlink()
    with pytest.raises(ValueError) as error:
        survey_sources(cells(tmp_path, names))
    lines = str(error.value).splitlines()
    for line, name in zip(lines, ('snow', 'fog'), strict=True):
        folder = tmp_path / 'imagenet-c' / name / '1'
        assert line.startswith(f'{folder} holds no class folders with images')
        assert 'zenodo.org/record/2235448' in line


def test_many_empty_cells_are_counted(tmp_path):
    for name in CORRUPTIONS[:10]:
        (tmp_path / 'imagenet-c' / name / '1').mkdir(parents=True)
    with pytest.raises(ValueError) as error:
        survey_sources(cells(tmp_path, CORRUPTIONS[:10]))
    lines = str(error.value).splitlines()
    assert len(lines) == 9
    assert CORRUPTIONS[7] in lines[7]
    assert lines[8] == 'and 2 more problems like these'


def test_missing_images_of_a_list(tmp_path):
    root = write_tree(tmp_path / 'val', TREE)
    (tmp_path / 'list.txt').write_text('n01440764/9.JPEG 0\n')
    (tmp_path / 'empty').mkdir()
    sources = [
        ImageSource('a', 'a', str(tmp_path / 'empty')),
        ImageSource('attacks', 'imagenet', root, str(tmp_path / 'list.txt')),
    ]
    with pytest.raises(FileNotFoundError) as error:
        survey_sources(sources)
    lines = str(error.value).splitlines()
    assert 'holds no class folders' in lines[0]
    assert 'n01440764/9.JPEG' in lines[1] and len(lines) == 2


def test_fewer_images_and_classes(tmp_path, warned):
    found = survey(write_tree(tmp_path, TREE), variant='a')
    assert (found.images, found.classes) == (3, 2)
    assert not found.complete
    (warning,) = warned
    assert '3 images instead of 7500 and 2 classes with' in warning


def test_strict(tmp_path):
    sources = [
        ImageSource(name, name, write_tree(tmp_path / name, TREE))
        for name in ('a', 'r')
    ]
    with pytest.raises(ValueError) as error:
        survey_sources(sources, strict=True)
    lines = str(error.value).splitlines()
    for line, number in zip(lines, (7500, 30000), strict=True):
        assert f'3 images instead of {number}' in line


def test_complete(tmp_path, warned, monkeypatch):
    info = replace(VARIANTS['a'], num_images=3, num_classes=2)
    monkeypatch.setitem(VARIANTS, 'a', info)
    source = ImageSource('a', 'a', write_tree(tmp_path, TREE))
    (found,) = survey_sources([source], strict=True).values()
    assert found.complete and not warned
    monkeypatch.setitem(VARIANTS, 'a', replace(info, num_classes=3))
    assert not survey(tmp_path, variant='a').complete
    assert len(warned) == 1


def test_list_of_images(tmp_path, warned):
    root = write_tree(tmp_path / 'val', TREE)
    path = tmp_path / 'list.txt'
    path.write_text('n12144580/1.JPEG 987\nn01440764/2.JPEG 0\n')
    source = ImageSource('attacks', 'imagenet', root, str(path))
    (found,) = survey_sources([source], strict=True).values()
    assert (found.images, found.classes) == (2, 2)
    assert found.complete and not warned
    assert image_names(source) == ['n12144580/1.JPEG', 'n01440764/2.JPEG']


def test_checksum_is_of_names_and_labels(tmp_path):
    found = survey(write_tree(tmp_path, TREE))
    lines = b'n01440764/10.JPEG 0\nn01440764/2.JPEG 0\nn12144580/1.JPEG 987\n'
    assert found.sha256 == hashlib.sha256(lines).hexdigest()


def test_checksum_does_not_depend_on_the_place(tmp_path, monkeypatch):
    write_tree(tmp_path / 'val', TREE)
    shutil.copytree(tmp_path / 'val', tmp_path / 'new' / 'place')
    (tmp_path / 'new' / 'place' / 'README.txt').write_text('other')
    monkeypatch.chdir(tmp_path)
    expected = survey(tmp_path / 'val')
    assert expected.folder == str(tmp_path / 'val')
    for root in ('val', 'val/', './val', 'new/../val//', f'{tmp_path}/val/'):
        assert survey(root) == expected, root
        assert image_names(ImageSource('x', 'imagenet', root))[0] == (
            'n01440764/10.JPEG'
        )
    monkeypatch.chdir(tmp_path / 'val')
    assert survey('.') == expected
    other = survey(tmp_path / 'new' / 'place')
    assert other.sha256 == expected.sha256
    assert other.folder == str(tmp_path / 'new' / 'place')


def test_checksum_changes_with_the_images(tmp_path):
    root = tmp_path / 'val'
    write_tree(root, TREE)
    found = [survey(root).sha256]
    (root / 'n01440764' / '2.JPEG').rename(root / 'n01440764' / '3.JPEG')
    found.append(survey(root).sha256)
    (root / 'n01440764' / '3.JPEG').unlink()
    found.append(survey(root).sha256)
    (root / 'n12144580').rename(root / 'n15075141')
    found.append(survey(root).sha256)
    assert len(set(found)) == 4


def test_checksum_changes_with_the_labels(tmp_path):
    root = write_tree(tmp_path / 'val', ['Bag/1.png', 'Coat/1.png'])
    path = tmp_path / 'classes.txt'
    path.write_text('Bag\nCoat\n')
    one = survey(root, class_file=str(path))
    path.write_text('Coat\nBag\n')
    assert survey(root, class_file=str(path)).sha256 != one.sha256


def test_folders_of_v2_are_class_indices(tmp_path):
    files = {f'{i}/{i:040x}.jpeg': i for i in (0, 1, 2, 10, 100)}
    root = write_tree(tmp_path, files)
    source = ImageSource('v2', 'v2', root)
    dataset = source.dataset()
    assert labels_by_name(dataset) == files
    # Sorted as text, but not labelled so.
    names = image_names(source)
    assert [name.split('/')[0] for name in names] == [
        *('0', '1', '10', '100', '2')
    ]
    lines = ''.join(f'{name} {files[name]}\n' for name in names)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    assert survey(root, variant='v2').sha256 == digest


def test_names_are_in_the_order_of_the_data_set(data):
    for source in SuiteOptions(str(data)).sources()[:6]:
        dataset = source.dataset()
        paths = [dataset.get_data_info(i)['img_path'] for i in range(3)]
        names = image_names(source)
        assert len(names) == len(dataset)
        assert [f'{source.root}/{name}' for name in names[:3]] == paths


def test_class_folders_keep_the_indices_of_all_1000(data):
    dataset = ImageSource('r', 'r', str(data / 'imagenet-r')).dataset()
    found = labels_by_name(dataset)
    assert len(found) == 5
    for name, label in found.items():
        assert SYNSETS[name.split('/')[0]] == label
