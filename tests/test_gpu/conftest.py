# Copyright (c) aemim_mm contributors. All rights reserved.
"""What only a GPU can show. Elsewhere all of it is skipped."""

import os

import pytest
import torch

# cuBLAS reads it when it starts; deterministic mode needs it.
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')


def pytest_collection_modifyitems(items):
    """Skip where there is no GPU."""
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason='needs a CUDA device')
    for item in items:
        if 'test_gpu' in item.path.parts:
            item.add_marker(skip)
