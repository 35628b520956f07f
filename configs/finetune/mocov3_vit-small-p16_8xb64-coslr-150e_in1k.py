# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of MoCo v3's ViT-S/16 on ImageNet-1K, 150 epochs.

Paper: Table 4, row "MoCo-v3 300" of ViT-S/16: 81.4 % top-1, quoted there.
The settings are mmpretrain's for ViT-B/16, with the ViT-S of MoCo v3: 12 heads
of 32 dimensions where ViT-S/16 has 6 of 64. No shape shows their number.
That number is the paper's: this recipe was not run at scale here.
By default from the checkpoint that `configs/pretrain/` leaves in `work_dirs`;
from another one with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    tools/dist_train.sh \
    configs/finetune/mocov3_vit-small-p16_8xb64-coslr-150e_in1k.py 8
"""

_base_ = 'mmpretrain::mocov3/benchmarks/vit-base-p16_8xb64-coslr-150e_in1k.py'

custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)

# model settings
pretrained = 'mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k'
model = dict(
    backbone=dict(
        arch=dict(
            # the base's arch is a name
            _delete_=True,
            embed_dims=384,
            num_layers=12,
            num_heads=12,
            feedforward_channels=1536,
        ),
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_300.pth'),
    ),
    head=dict(in_channels=384),
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

# runtime settings
default_hooks = dict(checkpoint=dict(type='AtomicCheckpointHook'))
custom_hooks = [
    # mmpretrain's: the average of the weights is evaluated
    *_base_.custom_hooks,
    # the hooks of every run, see ../_base_/run_hooks.py
    dict(type='EpochSeedHook'),
    dict(type='NonFiniteLossHook'),
    dict(type='CheckpointFitHook'),
    dict(type='RecipeInfoHook'),
    dict(type='RunOriginHook'),
]
randomness = dict(seed=0, diff_rank_seed=True)

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=512)
