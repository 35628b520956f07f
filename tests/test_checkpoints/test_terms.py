# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest

from aemim_mm.checkpoints.terms import in_words, joined, license_of, terms_of

MAE = dict(source='https://github.com/facebookresearch/mae', license='cc')
OWN = dict(source='own.pth', license='mit')


@pytest.mark.parametrize('write', [list, json.dumps])
def test_of_files(write):
    meta = dict(started_from=write([MAE]))
    assert terms_of(dict(meta=meta), 'a.pth') == [MAE]
    assert terms_of(dict(meta=dict(started_from=write([]))), 'a.pth') == []


@pytest.mark.parametrize(
    'content', [{}, dict(meta={}), dict(meta=dict(started_from='{no'))]
)
def test_files_that_do_not_tell(content):
    unknown = [dict(source='a.pth', license='unknown')]
    assert terms_of(content, 'a.pth') == unknown


def test_together():
    assert joined([[MAE], [OWN, MAE], []]) == [MAE, OWN]
    assert license_of([MAE, OWN]) == 'cc AND mit'
    assert license_of([MAE, MAE]) == 'cc'
    assert license_of([]) == 'unknown'
    assert in_words([]) == ''
    assert f'{MAE["source"]} (cc), own.pth (mit)' in in_words([MAE, OWN])
