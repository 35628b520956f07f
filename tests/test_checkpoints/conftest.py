# Copyright (c) aemim_mm contributors. All rights reserved.
from line_runs import make_runner  # noqa: F401
