# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW with layer-wise decay for a batch of 16, 12 epochs."""

_base_ = 'mmdet::_base_/schedules/schedule_1x.py'

# optimizer wrapper
optim_wrapper = dict(
    _delete_=True,
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    # the learning rate and its decay per layer go with the size of the ViT
    optimizer=dict(type='AdamW', betas=(0.9, 0.999), weight_decay=0.05),
    constructor='DetLayerDecayOptimWrapperConstructor',
    # neither norms nor any other vector decays
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={
            '.cls_token': dict(decay_mult=0.0),
            '.pos_embed': dict(decay_mult=0.0),
        },
    ),
)

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500
    ),
    dict(
        type='MultiStepLR',
        begin=0,
        end=12,
        by_epoch=True,
        milestones=[9, 11],
        gamma=0.1,
    ),
]
