# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import numpy as np
import pytest
from PIL import Image
from variant_trees import write_image

from aemim_mm.datasets.corrupt_image import corrupt_image, corruption_seed
from aemim_mm.datasets.corruption_tree import (
    CorruptionJobs,
    TreeSettings,
    write_corruption_tree,
)

pytest.importorskip('imagecorruptions')

CELLS = [('gaussian_noise', 1), ('contrast', 5)]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / 'val'
    for name in ('n01440764/1.JPEG', 'n01440764/2.png', 'n12144580/3.jpg'):
        write_image(folder / name, (60, 44), 90)
    (folder / 'README.txt').write_text('')
    return folder


def jobs(source, out, cells=CELLS, per_class=None, **settings):
    settings = TreeSettings(**dict(dict(size=32), **settings))
    return CorruptionJobs(str(source), str(out), cells, settings, per_class)


def files(out):
    found = out.rglob('*')
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in found
        if path.is_file()
    }


def test_layout_and_content(source, tmp_path):
    out = tmp_path / 'c'
    assert write_corruption_tree(jobs(source, out)) == 6
    found = files(out)
    names = ['n01440764/1.JPEG', 'n01440764/2.jpg', 'n12144580/3.jpg']
    assert set(found) == {'corruptions.json'} | {
        f'{cell}/{name}'
        for cell in ('gaussian_noise/1', 'contrast/5')
        for name in names
    }
    settings = json.loads(found['corruptions.json'])
    sha256 = settings.pop('pictures_sha256')
    assert len(sha256) == 64
    assert settings == dict(size=32, quality=85, seed=0, pictures=3)
    written = Image.open(out / 'gaussian_noise/1/n12144580/3.jpg')
    assert written.format == 'JPEG' and written.size == (32, 32)
    seed = corruption_seed(0, 'n12144580/3.jpg', 'gaussian_noise', 1)
    expected = corrupt_image(
        Image.new('RGB', (32, 32), (90, 90, 90)), 'gaussian_noise', 1, seed
    )
    expected.save(tmp_path / 'e.jpg', quality=85, optimize=True)
    assert np.array_equal(written, Image.open(tmp_path / 'e.jpg'))


def test_resized_and_cropped_as_imagenet_c(tmp_path):
    # 64 x 32: the short side is resized to 37 of which 32 remain.
    pixels = np.zeros((37, 74, 3), np.uint8)
    pixels[:, 37:] = 200
    (tmp_path / 'val' / 'a').mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / 'val' / 'a' / '1.png')
    out = tmp_path / 'c'
    write_corruption_tree(
        jobs(tmp_path / 'val', out, [('brightness', 1)], quality=95)
    )
    grey = np.asarray(Image.open(out / 'brightness/1/a/1.jpg').convert('L'))
    # Black gets 10 percent of 255, and the edge stays in the middle.
    assert abs(grey[:, :12].mean() - 25.5) < 2
    assert abs(grey[:, 20:].mean() - 225.5) < 2
    assert np.abs(np.diff(grey[16].astype(int))).argmax() == 15


def test_resumes_and_gives_the_same(source, tmp_path):
    whole, out = tmp_path / 'whole', tmp_path / 'c'
    write_corruption_tree(jobs(source, whole))
    assert write_corruption_tree(jobs(source, out, CELLS[1:])) == 3
    kept = out / 'contrast/5/n12144580/3.jpg'
    (out / 'contrast/5/n01440764/1.JPEG').unlink()
    kept.write_bytes(b'kept')
    assert write_corruption_tree(jobs(source, out)) == 4
    assert kept.read_bytes() == b'kept'
    kept.unlink()
    assert write_corruption_tree(jobs(source, out)) == 1
    assert write_corruption_tree(jobs(source, out)) == 0
    assert files(out) == files(whole)


def test_workers_give_the_same(source, tmp_path):
    write_corruption_tree(jobs(source, tmp_path / 'one'))
    assert write_corruption_tree(jobs(source, tmp_path / 'two'), 2) == 6
    assert files(tmp_path / 'one') == files(tmp_path / 'two')


def test_another_seed(source, tmp_path):
    for seed in (0, 1):
        write_corruption_tree(jobs(source, tmp_path / f'{seed}', seed=seed))
    name = 'gaussian_noise/1/n12144580/3.jpg'
    assert files(tmp_path / '0')[name] != files(tmp_path / '1')[name]


def test_settings_are_not_mixed(source, tmp_path):
    write_corruption_tree(jobs(source, tmp_path / 'c', CELLS[:1]))
    with pytest.raises(ValueError, match="begun with .*'seed': 0.*'seed': 1"):
        write_corruption_tree(jobs(source, tmp_path / 'c', seed=1))


def test_pictures_are_not_mixed(source, tmp_path):
    out = tmp_path / 'c'
    write_corruption_tree(jobs(source, out))
    with pytest.raises(ValueError, match="'pictures': 3.*'pictures': 2"):
        write_corruption_tree(jobs(source, out, per_class=1))
    # Of an older version, which noted the settings alone
    note = out / 'corruptions.json'
    before = json.loads(note.read_text())
    note.write_text(json.dumps(dict(size=32, quality=85, seed=0)))
    assert write_corruption_tree(jobs(source, out)) == 0
    note.write_text(json.dumps(before))
    # Another picture of that name
    write_image(source / 'n01440764/1.JPEG', (61, 80), 50)
    with pytest.raises(ValueError, match='the same settings and pictures'):
        write_corruption_tree(jobs(source, out))


def test_some_of_each_class_in_their_own_size(source, tmp_path):
    out = tmp_path / 'c'
    some = jobs(source, out, CELLS[:1], per_class=1, size=None)
    assert some.images == ['n01440764/1.JPEG', 'n12144580/3.jpg']
    assert write_corruption_tree(some) == 2
    image = Image.open(out / 'gaussian_noise/1/n01440764/1.JPEG')
    assert image.size == (60, 44)


def test_bad_sources(source, tmp_path):
    with pytest.raises(ValueError, match='name another folder'):
        jobs(source, source)
    write_image(source / 'n01440764' / '2.jpg')
    with pytest.raises(ValueError, match=r'2\.jpg and .*2\.png .*rename'):
        jobs(source, tmp_path / 'c')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='empty holds no class folders'):
        jobs(tmp_path / 'empty', tmp_path / 'c')
    (source / 'n01440764' / '2.jpg').write_bytes(b'broken')
    (source / 'n01440764' / '2.png').unlink()
    with pytest.raises(OSError, match=r'2\.jpg is unreadable'):
        write_corruption_tree(jobs(source, tmp_path / 'c'))


@pytest.mark.parametrize('settings', [dict(size=0), dict(quality=96)])
def test_bad_settings(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f'{name} is {settings[name]}; it'):
        TreeSettings(**settings)
