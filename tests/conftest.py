# Copyright (c) aemim_mm contributors. All rights reserved.
import random

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

import aemim_mm  # noqa: F401


@pytest.fixture(autouse=True)
def _same_start():
    """Every test starts from the same seed, scope and thread count."""
    init_default_scope('mmpretrain')
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
