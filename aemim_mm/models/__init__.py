# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.models')

from . import (  # noqa: F401
    backbones,
    heads,
    layers,
    necks,
    selfsup,
    tokenizers,
)
