# Copyright (c) aemim_mm contributors. All rights reserved.
from ..cost.progress import Progress
from .loaders import (
    Settings,
    drain,
    ours,
    timm_pil,
    torchvision_pil,
    torchvision_tensors,
)
from .photographs import write_photographs
from .pixels import (
    Difference,
    compare,
    crop_by,
    crop_of_tensors,
)
from .recipe import (
    Recipe,
    pipeline_of,
    recipe_of,
)
from .table import (
    HEADER,
    Row,
    best_of,
    cells_of,
    rows_of,
)
from .variants import variants_of

__all__ = [
    'HEADER',
    'Difference',
    'Progress',
    'Recipe',
    'Row',
    'Settings',
    'best_of',
    'cells_of',
    'compare',
    'crop_by',
    'crop_of_tensors',
    'drain',
    'ours',
    'pipeline_of',
    'recipe_of',
    'rows_of',
    'timm_pil',
    'torchvision_pil',
    'torchvision_tensors',
    'variants_of',
    'write_photographs',
]
