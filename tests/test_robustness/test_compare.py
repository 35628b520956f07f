# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import mmcv
import numpy as np
import pytest
from result_files import AEMIM, MAE, grey, write

from aemim_mm.robustness.compare import compare_results


@pytest.fixture
def paper(tmp_path):
    """Two rows of the paper's tables."""
    return [
        write(tmp_path / name, results)
        for name, results in (('mae', MAE), ('aemim', AEMIM))
    ]


def rows(text, name):
    """The cells of a classifier's or a difference's rows."""
    return [
        line.strip('| ').split(' | ')[1:]
        for line in text.splitlines()
        if line.startswith(f'| {name} |')
    ]


def test_the_papers_table_6(paper, tmp_path):
    (file,) = compare_results(paper, tmp_path / 'out')
    assert file == tmp_path / 'out' / 'comparison.md'
    text = file.read_text()
    # Each of the five differences, and their mean, is within its interval.
    assert rows(text, 'AEMIM 800 - MAE 1600')[2] == [
        '+0.2 (-1.2 to +1.6) ~ u',
        '+1.5 (-0.4 to +3.4) ~ u',
        '+0.3 (-1.6 to +2.2) ~ u',
        '+0.1 (-1.8 to +2.0) ~ u',
        '-0.9 (-2.7 to +0.9) ~ u',
        '+0.2 (-1.6 to +2.0) ~ u',
    ]
    assert rows(text, 'MAE 1600')[2][0] == '83.6 (82.5 to 84.6)'


def test_the_papers_tables_4_and_5(paper, tmp_path):
    (file,) = compare_results(paper, tmp_path)
    text = file.read_text()
    iid, ood = rows(text, 'AEMIM 800 - MAE 1600')[:2]
    assert [cell.split()[0] for cell in iid] == ['+0.2', '+0.3', '+0.8']
    assert ['~' in cell for cell in iid] == [True] * 3
    assert [cell.split()[0] for cell in ood] == [
        *('+2.1', '+2.3', '+2.0', '-2.4', '+2.2')
    ]
    assert ['~' in cell for cell in ood] == [False] * 5


def test_wide_tables_stand_upright(paper, tmp_path):
    (file,) = compare_results(paper, tmp_path)
    text = file.read_text()
    assert '| Model | MAE 1600 | AEMIM 800 | AEMIM 800 - MAE 1600 |' in text
    ((old, new, change),) = rows(text, 'brightness')
    assert old.startswith('29.2 (') and new.startswith('27.8 (')
    assert change.startswith('-1.4 (')


def graded(tmp_path, name, seed, **options):
    """Results of 1000 images, nine of ten the same for all seeds."""
    rng = np.random.default_rng(0)
    correct = rng.random(1000) < 0.8
    own = np.random.default_rng(seed).random((2, 1000))
    correct = np.where(own[0] < 0.1, own[1] < 0.8, correct)
    results, minimal = grey(name, seed=seed)
    results['imagenet'] = dict(top1=100 * correct.mean(), images=1000)
    per_image = dict(imagenet=correct)
    return write(tmp_path / str(seed), results, minimal, per_image, **options)


def test_same_images_are_paired(tmp_path):
    paths = [graded(tmp_path, 'tiny', seed) for seed in (1, 2)]
    files = compare_results(paths, tmp_path)
    assert [p.name for p in files] == [
        'comparison.md',
        'robustness_curves.png',
    ]
    assert mmcv.imread(files[1]).std() > 10
    text = files[0].read_text()
    change = rows(text, 'tiny (2) - tiny (1)')[0][0]
    low, high = (float(n) for n in change[6:].split(')')[0].split(' to '))
    assert 'u' not in change
    # unpaired: about 3.5 to either side
    assert 1 < high - low < 4.5
    pgd = rows(text, 'tiny (2) - tiny (1)')[1]
    assert all(cell.endswith('u') for cell in pgd)
    assert 'tiny (2): IN-C: 1000 images or more in each cell' in text
    other = graded(tmp_path, 'tiny', 3, sha256='other')
    text = compare_results([paths[0], other], tmp_path)[0].read_text()
    assert rows(text, 'tiny (3) - tiny (1)')[0][0].endswith('u')


def test_three_models_are_held_against_the_first(paper, tmp_path):
    third = write(tmp_path / 'third', dict(MAE, model='again'))
    (file,) = compare_results([*paper, third], tmp_path)
    text = file.read_text()
    assert rows(text, 'again - MAE 1600')[0][0].startswith('+0.0 (')
    assert rows(text, 'AEMIM 800 - MAE 1600') and 'again - AEMIM' not in text


def test_what_one_has_not_evaluated(tmp_path):
    one = write(tmp_path / '1', MAE)
    two = write(tmp_path / '2', dict(model='x', v2=dict(top1=5, images=9)))
    (file,) = compare_results([one, two], tmp_path)
    assert rows(file.read_text(), 'x - MAE 1600')[0][:2] == ['-', '-']


def test_settings_that_differ_are_named(tmp_path):
    one = dict(input_size=224, seed=0, suite=['v2'], classes=None)
    two = dict(one, input_size=384, suite=['a'], classes=['cat'] * 1000)
    one, two = dict(MAE, settings=one), dict(AEMIM, settings=two)
    paths = [write(tmp_path / '1', one), write(tmp_path / '2', two)]
    text = compare_results(paths, tmp_path)[0].read_text()
    note = 'AEMIM 800 was evaluated with input_size = 384, MAE 1600 with 224.'
    assert note in text and text.count('was evaluated with') == 2
    assert text.count("'cat'") == 6 and 'MAE 1600 with None.' in text


def test_lists_that_differ_late_are_said_to_be_other_ones(tmp_path):
    paths = [
        write(
            tmp_path / last,
            dict(MAE, settings=dict(classes=[*'abcdef', last])),
        )
        for last in 'xy'
    ]
    text = compare_results(paths, tmp_path)[0].read_text()
    assert 'was evaluated with other classes than' in text


def frozen(tmp_path, name, images, **head):
    """Results of a frozen encoder, with a curve."""
    results, minimal = grey(name)
    results['model'] = dict(name=name, head=head)
    results['settings'] = dict(seed=0)
    path = write(
        tmp_path / name,
        results,
        minimal,
        {'curve/grid/0': [1, 0]},
        sha256=images,
    )
    content = json.loads(path.read_text())
    content['data']['train'] = dict(sha256=images)
    path.write_text(json.dumps(content))
    return path


def test_heads_and_images_that_differ_are_named(tmp_path):
    same = dict(knn=20, training_data='train')
    one = frozen(tmp_path, 'one', 'a', pooling='token', **same)
    two = frozen(tmp_path, 'two', 'b', pooling='avg', **same)
    text = compare_results([one, two], tmp_path)[0].read_text()
    assert 'two was evaluated with pooling = avg, one with token.' in text
    assert text.count('was evaluated with') == 1
    assert 'The curve of two is of other images than that of one.' in text
    assert 'two has other training images for k-NN than one.' in text
    three = frozen(tmp_path, 'three', 'a', pooling='token', **same)
    text = compare_results([one, three], tmp_path)[0].read_text()
    assert not [w for w in ('is of other images', 'other train') if w in text]


def test_errors(paper, tmp_path):
    with pytest.raises(ValueError, match='needs two'):
        compare_results(paper[:1], tmp_path)
    with pytest.raises(ValueError, match='named twice'):
        compare_results([paper[0], paper[0]], tmp_path)
    with pytest.raises(FileNotFoundError, match='gone.json'):
        compare_results([paper[0], tmp_path / 'gone.json'], tmp_path)
    broken = tmp_path / 'broken.json'
    for text in ('{', '[]'):
        broken.write_text(text)
        with pytest.raises(ValueError, match='is no results.json'):
            compare_results([paper[0], broken], tmp_path)
