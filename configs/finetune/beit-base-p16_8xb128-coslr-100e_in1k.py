# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of BEiT's ViT-B/16 on ImageNet-1K, 100 epochs.

Paper: Table 4, row "BEiT 800" of ViT-B/16: 83.2 % top-1, quoted there.
The settings are mmpretrain's.
Like mmpretrain's, it normalises images by 127.5, where mmpretrain's
pre-training of BEiT does so by the mean and deviation of ImageNet.
That number is the paper's: this recipe was not run at scale here.
By default from the checkpoint that `configs/pretrain/` leaves in `work_dirs`;
from another one with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    tools/dist_train.sh \
    configs/finetune/beit-base-p16_8xb128-coslr-100e_in1k.py 8
"""

_base_ = [
    'mmpretrain::beit/benchmarks/beit-base-p16_8xb128-coslr-100e_in1k.py',
    '../_base_/run_hooks.py',
]

# model settings
pretrained = 'beit_beit-base-p16_8xb256-amp-coslr-800e_in1k'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_800.pth'),
    ),
)

# dataset settings
train_pipeline = _base_.train_pipeline
# a damaged image is logged and replaced by another one; none is turned by its
# EXIF data, as with Pillow and in the robustness suite
train_pipeline[0].update(
    type='LoadImageOrSkip', color_type='color_ignore_orientation'
)
train_dataloader = dict(
    drop_last=True,
    # a resumed run sees the images an uninterrupted one would have seen
    persistent_workers=False,
    worker_init_fn=dict(type='seed_worker'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(pipeline=train_pipeline),
)
test_pipeline = _base_.test_pipeline
test_pipeline[0].update(color_type='color_ignore_orientation')
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

# optimizer wrapper
optim_wrapper = dict(type='OptimWrapper')

# runtime settings
default_hooks = dict(checkpoint=dict(type='AtomicCheckpointHook'))
randomness = dict(seed=0, diff_rank_seed=True)
