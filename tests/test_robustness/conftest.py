# Copyright (c) aemim_mm contributors. All rights reserved.
"""What several tests of the suite read."""

import pytest


@pytest.fixture(scope='session')
def data(tmp_path_factory):
    """All data sets in miniature, to be read only."""
    from robustness_toys import write_data  # needs OpenMMLab

    root = write_data(tmp_path_factory.mktemp('data'))
    before = _state(root)
    yield root
    assert _state(root) == before


def _state(root):
    return {path: path.stat().st_mtime_ns for path in root.rglob('*')}
