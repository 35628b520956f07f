# Copyright (c) aemim_mm contributors. All rights reserved.
"""Runtime of pre-training on images of one's own, and its short options."""

_base_ = './default_runtime.py'

default_hooks = dict(
    logger=dict(interval=50),
    # on a CPU 1000 iterations may take hours
    checkpoint=dict(interval=1000, by_epoch=False, minutes=30),
)

# what `--cfg-options NAME=VALUE` sets in tools/train.py, test.py,
# visualize_reconstruction.py and evaluate_robustness.py
shortcuts = dict(
    # a folder, or a text file of paths
    data_root=dict(sets=['train_dataloader.dataset.data_root']),
    # a file, or timm:NAME; with it come the rate and the length of a run that
    # goes on from good weights: our choice, not tuned
    init=dict(
        sets=['load_from'],
        also={
            'optim_wrapper.optimizer.lr': 5e-5,
            'train_cfg.max_iters': 5000,
            'param_scheduler.0.end': 250,
            'param_scheduler.1.begin': 250,
            'param_scheduler.1.end': 5000,
        },
    ),
    batch_size=dict(sets=['train_dataloader.batch_size']),
    # the warm-up keeps its share of the run
    max_iters=dict(
        sets=['train_cfg.max_iters', 'param_scheduler.1.end'],
        scales=['param_scheduler.0.end', 'param_scheduler.1.begin'],
    ),
    warmup=dict(sets=['param_scheduler.0.end', 'param_scheduler.1.begin']),
)
