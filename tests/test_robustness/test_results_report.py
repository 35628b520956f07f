# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import mmcv
import pytest
from result_files import AEMIM, corruptions, grey, write

from aemim_mm.robustness.results_report import model_name, write_report


def test_report_in_the_layout_of_the_paper(tmp_path):
    assert write_report(AEMIM, tmp_path / 'new') == [
        tmp_path / 'new' / 'results.md'
    ]
    text = (tmp_path / 'new' / 'results.md').read_text()
    # Wilson's, of 50000, 46837 and 10000 images
    intervals = '83.5 to 84.1 | 88.2 to 88.8 | 73.1 to 74.9'
    assert f'| interval of 95 % | {intervals} |\n' in text
    for table in (
        '| Model | IN | IN-Real | IN-V2 |\n'
        '| --- | ---: | ---: | ---: |\n'
        '| AEMIM 800 | 83.8 | 88.5 | 74.0 |\n',
        '| Model | IN-A | IN-R | IN-S | IN-C | Average score |\n'
        '| --- | ---: | ---: | ---: | ---: | ---: |\n'
        '| AEMIM 800 | 38.0 | 50.6 | 36.5 | 49.3 | 44.0 |\n',
        '| AEMIM 800 | 83.8 | 44.3 | 38.7 | 35.3 | 32.1 | 46.8 |\n',
    ):
        assert table in text
    # 49.3 % of AlexNet's 81.9324 %; 49.3 % of its mean
    assert '| fog | 40.4 | 40.4 | 40.4 | 40.4 | 40.4 | 40.4 | 49.3 |' in text
    assert '| all |  |  |  |  |  | 38.9 | 49.3 |' in text
    assert 'images' not in text and '.png' not in text


def test_report_in_another_label_space(tmp_path):
    results, minimal = grey('tiny')
    write(tmp_path, results, minimal)
    files = write_report(results, tmp_path)
    assert [p.name for p in files] == ['results.md', 'robustness_curve.png']
    assert mmcv.imread(files[1]).std() > 10
    text = files[0].read_text()
    assert '| Model | IN | IN-Real | IN-V2 |' in text
    assert '| tiny | 84.7 | - | - |' in text
    # A table without any number is left out.
    assert '(Table 5)' not in text
    assert 'No mCE, and so no score' in text
    assert '| snow | 30.0 | 30.0 | 30.0 | 30.0 | 30.0 | 30.0 | - |' in text
    assert '](robustness_curve.png)' in text
    assert '| 0.0020 | 0.51 | ' in text


def test_cells_that_are_missing(tmp_path):
    entry = corruptions(50.0)
    entry['mce'] = None
    entry['per_corruption']['fog'] = dict(
        error=[10.0, None, 30.0, None, None], ce=None
    )
    write_report(dict(model='m', c=entry), tmp_path)
    text = (tmp_path / 'results.md').read_text()
    assert '| fog | 10.0 | - | 30.0 | - | - | 20.0 | - |' in text


@pytest.mark.parametrize(
    'model, name',
    [
        ('vit', 'vit'),
        (dict(name='vit', checkpoint='a.pth'), 'vit'),
        (dict(), 'model'),
        (None, 'model'),
    ],
)
def test_model_name(model, name):
    assert model_name(dict(model=model)) == name


def test_what_comes_from_json_is_enough(tmp_path):
    results, minimal = grey('tiny')
    path = write(tmp_path, results, minimal)
    write_report(json.loads(path.read_text()), tmp_path)
    text = (tmp_path / 'results.md').read_text()
    write_report(results, tmp_path)
    assert (tmp_path / 'results.md').read_text() == text
