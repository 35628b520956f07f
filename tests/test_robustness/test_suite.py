# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.robustness.sources import ImageSource
from aemim_mm.robustness.suite import PARTS, SuiteOptions
from aemim_mm_cli.choices import CORRUPTIONS

# In ImageNet-C's order: noise, blur, weather, digital.
CELLS = [
    *('c/impulse_noise/2', 'c/impulse_noise/4'),
    *('c/fog/2', 'c/fog/4', 'c/pixelate/2', 'c/pixelate/4'),
]


def names(sources):
    return [source.name for source in sources]


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(parts=['v2', 'v3', 'x']), 'was asked for v3, x'),
        (dict(parts=[]), 'was asked for none'),
        (
            dict(class_file='c.txt', parts=['imagenet', 'real']),
            'leave the part real out',
        ),
        # 'real' is one of the default parts.
        (dict(class_file='c.txt'), 'leave the part real out'),
        (dict(epsilons=[0, 256]), r'epsilons are \[0, 256\], but must be pi'),
        (dict(epsilons=[-1]), 'pixel values from 0 to 255'),
        (dict(epsilons=[float('nan')]), 'pixel values from 0 to 255'),
        (dict(epsilons=[]), 'must be at least one'),
        (dict(epsilons=[2, 0, 2.0]), 'each only once'),
        (dict(epsilons=[1, 1.0000001]), 'each only once, in six digits'),
        (dict(epsilons=[0.00002]), 'must be 0 or at least 0.0001'),
        (dict(seed=-1), 'the seed is -1, but must be >= 0'),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        SuiteOptions('data', **options)


def test_bounds_are_allowed():
    options = SuiteOptions('data', epsilons=[0, 255], seed=0)
    assert options.epsilons == [0, 255]


def test_folder():
    options = SuiteOptions('data', folders=dict(sketch='/far/sketch'))
    assert options.folder('imagenet') == 'data/imagenet/val'
    assert options.folder('r') == 'data/imagenet-r'
    assert options.folder('sketch') == '/far/sketch'


def test_source_of_a_variant():
    options = SuiteOptions('data', folders=dict(r='/far/r'))
    assert options.source('a') == ImageSource('a', 'a', 'data/imagenet-a')
    assert options.source('r') == ImageSource('r', 'r', '/far/r')


def test_validation_images_are_one_source():
    options = SuiteOptions('data', folders=dict(imagenet='/val'))
    for part in ('imagenet', 'real', 'fgsm', 'pgd', 'curve'):
        assert options.source(part) == ImageSource(
            'imagenet', 'imagenet', '/val'
        )


def test_attack_list_is_a_source_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = SuiteOptions('data', attack_list='lists/ares.txt')
    expected = ImageSource(
        'attacks',
        'imagenet',
        'data/imagenet/val',
        # Not below the root, where relative lists are looked for.
        str(tmp_path / 'lists' / 'ares.txt'),
    )
    for part in ('fgsm', 'pgd', 'curve'):
        assert options.source(part) == expected
    clean = ImageSource('imagenet', 'imagenet', 'data/imagenet/val')
    assert options.source('imagenet') == options.source('real') == clean


def test_class_file_reaches_all_sources():
    options = SuiteOptions(
        'data',
        ['imagenet', 'v2', 'c', 'fgsm'],
        class_file='c.txt',
        attack_list='list.txt',
    )
    sources = options.sources()
    assert len(sources) == 3 + 75
    assert {source.class_file for source in sources} == {'c.txt'}


def test_cells_of_c():
    cells = SuiteOptions('data').cells_of_c()
    assert names(cells) == [
        f'c/{name}/{i}' for name in CORRUPTIONS for i in range(1, 6)
    ]
    assert cells[0] == ImageSource(
        'c/gaussian_noise/1', 'c', 'data/imagenet-c/gaussian_noise/1'
    )


def test_some_cells_of_c_are_in_the_order_of_imagenet_c():
    options = SuiteOptions(
        'data',
        folders=dict(c='/c'),
        corruptions=['pixelate', 'impulse_noise', 'fog'],
        severities=[4, 2],
    )
    cells = options.cells_of_c()
    assert names(cells) == CELLS
    assert cells[3].root == '/c/fog/4'


def test_each_source_once():
    options = SuiteOptions('data')
    assert names(options.sources()) == [
        *('imagenet', 'v2', 'a', 'r', 'sketch'),
        *names(options.cells_of_c()),
    ]
    options = SuiteOptions('data', attack_list='list.txt')
    found = names(options.sources())
    assert found[-1] == 'attacks' and found.count('attacks') == 1
    assert len(found) == len(set(found)) == 81


@pytest.mark.parametrize(
    'parts, expected',
    [
        (['real'], ['imagenet']),
        (['curve', 'v2', 'v2'], ['v2', 'imagenet']),
        (['pgd', 'imagenet', 'real'], ['imagenet']),
        (['c'], CELLS),
    ],
)
def test_sources_of_some_parts(parts, expected):
    options = SuiteOptions(
        'data',
        parts,
        corruptions=['fog', 'impulse_noise', 'pixelate'],
        severities=(2, 4),
    )
    assert names(options.sources()) == expected


def test_every_part_has_data():
    for part in PARTS:
        assert SuiteOptions('data', [part]).sources()
