# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.config_check')

from .check_config import check_config
from .constructors import check_constructor_keys
from .data_paths import check_data_paths
from .nesting import check_nesting
from .top_level_names import check_names
from .weights import check_weights

__all__ = [
    'check_config',
    'check_constructor_keys',
    'check_data_paths',
    'check_names',
    'check_nesting',
    'check_weights',
]
