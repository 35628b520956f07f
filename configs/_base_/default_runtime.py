# Copyright (c) aemim_mm contributors. All rights reserved.
"""What every run shares: registries, hooks, logging and environment."""

_base_ = './run_hooks.py'

# the registries of mmpretrain
default_scope = 'mmpretrain'

# configure default hooks
default_hooks = dict(
    # record the time of every iteration.
    timer=dict(type='IterTimerHook'),
    # print log every 100 iterations.
    logger=dict(type='LoggerHook', interval=100),
    # enable the parameter scheduler.
    param_scheduler=dict(type='ParamSchedulerHook'),
    # save a checkpoint per epoch, keep the latest 3. A kill at any moment
    # leaves the previous one whole.
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=3),
    # set sampler seed in distributed environment.
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # validation results visualization, set True to enable it.
    visualization=dict(type='VisualizationHook', enable=False),
)

# configure environment
env_cfg = dict(
    # whether to enable cudnn benchmark
    cudnn_benchmark=False,
    # set multi process parameters
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # set distributed parameters
    dist_cfg=dict(backend='nccl'),
)

# set visualizer
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)

# log what AEMIM adds as means, too; tools/train.py averages over the interval
# of the logger
log_processor = dict(
    mean_pattern=r'.*(loss|time|data_time|grad_norm|recon|distance).*'
)

# set log level
log_level = 'INFO'

# load from which checkpoint
load_from = None

# whether to resume training from the latest or the loaded checkpoint
resume = False

# a different random stream on every rank, or all ranks draw the same masks
randomness = dict(seed=0, deterministic=False, diff_rank_seed=True)
