# Copyright (c) aemim_mm contributors. All rights reserved.
from . import backbones, heads, layers, necks  # noqa: F401
