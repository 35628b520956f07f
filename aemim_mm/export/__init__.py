# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.export')

from aemim_mm_cli.choices import LIMIT, TARGETS

from .architecture import find_architecture
from .backbone import Export, export_backbone
from .comparison import compare
from .export_file import load_export
from .source import Source, read_source

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
]
