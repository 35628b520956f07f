# Copyright (c) aemim_mm contributors. All rights reserved.
"""Only what a step reads has to be there."""

import pytest

from aemim_mm.reproduction.data_check import SUITE, missing_data
from aemim_mm.reproduction.plan import Plan
from aemim_mm.reproduction.steps import Step


@pytest.mark.parametrize(
    'part, lacks', [('imagenet', 0), ('fgsm', 1), ('curve', 1), ('a', 1)]
)
def test_the_list_is_of_the_attacks(tmp_path, part, lacks):
    words = f'--suite {part} --imagenet {tmp_path} --imagenet-a {tmp_path}/a'
    step = Step(
        *('run', 'fgsm', 'kind', tmp_path),
        ('python', SUITE, 'config.py', 'weights.pth', *words.split())
        + ('--attack-list', 'no/list.txt', '--out', str(tmp_path)),
        tmp_path / 'results.json',
    )
    found = missing_data(Plan((), ((step,),), ()))
    assert len(found) == lacks
    if part in ('fgsm', 'curve'):
        assert found == ['no/list.txt (--attack-list of the robustness suite)']
