# Copyright (c) aemim_mm contributors. All rights reserved.
"""AutoAttack in a fraction of the time, for tests of what surrounds it."""

import pytest


def pyautoattack():
    """The package, or a skip."""
    return pytest.importorskip('pyautoattack')


def shortened(monkeypatch):
    """Let the package run its four attacks with few steps."""
    package = pyautoattack()

    class Short(package.AutoAttack):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            for attack in (self.apgd, self.apgd_targeted, self.fab):
                attack.n_iter = 5
            self.square.n_queries = 20

    monkeypatch.setattr(package, 'AutoAttack', Short)
