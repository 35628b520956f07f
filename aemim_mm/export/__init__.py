# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.export')

from .architecture import find_architecture
from .backbone import Export, export_backbone
from .comparison import LIMIT, compare
from .export_file import load_export
from .source import Source, read_source
from .targets import TARGETS, target_weights

__all__ = [
    'Export',
    'LIMIT',
    'Source',
    'TARGETS',
    'compare',
    'export_backbone',
    'find_architecture',
    'load_export',
    'read_source',
    'target_weights',
]
