# Copyright (c) aemim_mm contributors. All rights reserved.
"""CAE moves its teacher within ``loss()``.

In the second pass it would copy the adversarial adapters into the teacher,
since the encoder's parameters are swapped then.
"""

from .base import MethodRule

CAE = MethodRule(once=('momentum_update',))
