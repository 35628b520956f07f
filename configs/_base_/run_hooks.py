# Copyright (c) aemim_mm contributors. All rights reserved.
"""The registries with ours in them, and the hooks of every run.

Apart from the other parts of the runtime, so that it goes with a recipe of
mmpretrain, which brings those.
"""

custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)

custom_hooks = [
    # seed by (seed, rank, epoch): a resumed run equals an uninterrupted one.
    dict(type='EpochSeedHook'),
    # stop at a loss that is not finite, before a checkpoint is written.
    dict(type='NonFiniteLossHook'),
    # refuse a checkpoint that does not fit, before training starts.
    dict(type='CheckpointFitHook'),
    # log the effective batch, learning rate and perturbation budget.
    dict(type='RecipeInfoHook'),
    # note what the run started from, for when it is resumed.
    dict(type='RunOriginHook'),
]
