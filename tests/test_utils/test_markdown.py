# Copyright (c) aemim_mm contributors. All rights reserved.
from aemim_mm.utils.markdown import markdown, number


def test_markdown():
    assert markdown(['Model', 'IN'], [['a|b', '1.0'], ['c', '-']]) == (
        '| Model | IN |\n| --- | ---: |\n| a\\|b | 1.0 |\n| c | - |\n'
    )
    assert number(None) == '-' and number(46.84) == '46.8'
