# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW for 50 epochs of which 5 warm up, and the short options.

The rate is 1e-3 for each 256 images of a batch, scaled to the batch that the
run really has.
"""

# optimizer wrapper
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(
        type='AdamW', lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05
    ),
    clip_grad=dict(max_norm=5.0),
    constructor='LearningRateDecayOptimWrapperConstructor',
    paramwise_cfg=dict(
        custom_keys={
            # norms of a ViT, and of a Swin
            '.ln': dict(decay_mult=0.0),
            '.norm': dict(decay_mult=0.0),
            '.bias': dict(decay_mult=0.0),
            '.cls_token': dict(decay_mult=0.0),
            '.pos_embed': dict(decay_mult=0.0),
            '.relative_position_bias_table': dict(decay_mult=0.0),
        },
    ),
)

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-4,
        by_epoch=True,
        begin=0,
        end=5,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=5,
        end=50,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=1)
val_cfg = dict()
test_cfg = dict()

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=256, enable=True)

# what `--cfg-options NAME=VALUE` sets in tools/train.py, test.py and
# evaluate_robustness.py
shortcuts = dict(
    data_root=dict(
        sets=[
            'train_dataloader.dataset.data_root',
            'val_dataloader.dataset.data_root',
            'test_dataloader.dataset.data_root',
        ]
    ),
    num_classes=dict(
        sets=['model.head.num_classes', 'data_preprocessor.num_classes']
    ),
    init=dict(sets=['model.backbone.init_cfg.checkpoint']),
    batch_size=dict(sets=['train_dataloader.batch_size']),
    # the warm-up keeps its share of the run
    max_epochs=dict(
        sets=['train_cfg.max_epochs', 'param_scheduler.1.end'],
        scales=['param_scheduler.0.end', 'param_scheduler.1.begin'],
    ),
    warmup=dict(sets=['param_scheduler.0.end', 'param_scheduler.1.begin']),
)
