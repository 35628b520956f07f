# Copyright (c) aemim_mm contributors. All rights reserved.
"""From runs to the paper's tables: what ``tools/reproduce.py`` does."""

from ..openmmlab import require

require('aemim_mm.reproduction')
