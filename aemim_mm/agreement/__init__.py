# Copyright (c) aemim_mm contributors. All rights reserved.
"""Before the first step, every pair of statements of a run is compared."""

from ..openmmlab import require

require('aemim_mm.agreement')

from .disagreement import Disagreement
from .rules import RULES, check_agreement
from .run import Run

__all__ = ['RULES', 'Disagreement', 'Run', 'check_agreement']
