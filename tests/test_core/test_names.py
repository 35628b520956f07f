# Copyright (c) aemim_mm contributors. All rights reserved.
from aemim_mm.core.names import inside


def test_inside_goes_by_whole_parts_of_the_name():
    assert inside('teacher', ['teacher'])
    assert inside('teacher.ln1.weight', ['backbone', 'teacher'])
    assert not inside('teacher2.ln1', ['teacher'])
    assert not inside('backbone.teacher.ln1', ['teacher'])
    assert not inside('teacher', [])
