# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmdet's runtime, and the hooks that every run has here."""

_base_ = 'mmdet::_base_/default_runtime.py'

# registers the neck, the optimizer wrapper constructor and the hooks, so that
# mmdet's own tools run these configs as well
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)

# configure hooks
default_hooks = dict(
    # A kill at any moment leaves the previous checkpoint whole.
    checkpoint=dict(
        type='mmpretrain.AtomicCheckpointHook', interval=1, max_keep_ckpts=3
    ),
)
custom_hooks = [
    # seed by (seed, rank, epoch): a resumed run equals an uninterrupted one.
    dict(type='mmpretrain.EpochSeedHook'),
    # stop at a loss that is not finite, before a checkpoint is written.
    dict(type='mmpretrain.NonFiniteLossHook'),
    # refuse a checkpoint that does not fit, before training starts.
    dict(type='mmpretrain.CheckpointFitHook'),
    # log the effective batch and learning rate.
    dict(type='mmpretrain.RecipeInfoHook'),
    # note what the run started from, for when it is resumed.
    dict(type='mmpretrain.RunOriginHook'),
]

# a different random stream on every rank
randomness = dict(seed=0, deterministic=False, diff_rank_seed=True)
