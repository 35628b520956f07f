# Copyright (c) aemim_mm contributors. All rights reserved.
"""What only a GPU can show. Elsewhere all of it is skipped."""

import os

# cuBLAS reads it when it starts; deterministic mode needs it.
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
