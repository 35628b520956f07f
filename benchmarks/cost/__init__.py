# Copyright (c) aemim_mm contributors. All rights reserved.
from .cost_model import (
    Parts,
    StepShape,
    floor,
)
from .measurement import (
    Settings,
    measure,
)
from .parts import (
    count_parts,
    time_parts,
)
from .peak import peak_memory
from .trainee import (
    PRECISIONS,
    Trainee,
)

__all__ = [
    'PRECISIONS',
    'Parts',
    'Settings',
    'StepShape',
    'Trainee',
    'count_parts',
    'floor',
    'measure',
    'peak_memory',
    'time_parts',
]
