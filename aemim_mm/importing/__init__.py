# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.importing')

from .checkpoint import Import, import_checkpoint

__all__ = ['Import', 'import_checkpoint']
