# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.models')

from . import backbones, heads, layers, necks  # noqa: F401
