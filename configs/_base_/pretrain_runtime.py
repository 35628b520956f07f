# Copyright (c) aemim_mm contributors. All rights reserved.
"""The default runtime, and pictures of what the model reconstructs."""

_base_ = './default_runtime.py'

custom_hooks = [
    *_base_.custom_hooks,
    # draw reconstructions every 20 epochs and after the last one.
    dict(type='ReconstructionHook', interval=20),
]
