# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of the Swin of one stage on Fashion-MNIST, 4 epochs.

For a CPU. By default from the checkpoint that the AEMIM recipe leaves in
`work_dirs`; from another one, of SimMIM, with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`. The paper has no such
row. Settings are those of the ViT's.

Command::

    python tools/train.py \
    configs/finetune/swin-tiny-w7_1xb256-coslr-4e_fashion-mnist.py
"""

_base_ = './vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py'

# model settings
pretrained = 'aemim-simmim_swin-tiny-w7_steps1_1xb256-coslr-5e_fashion-mnist'
model = dict(
    backbone=dict(
        _delete_=True,
        type='ResizableSwin',
        arch=dict(embed_dims=64, depths=[4], num_heads=[2]),
        img_size=28,
        in_channels=1,
        out_indices=(0,),
        drop_path_rate=0.0,
        stage_cfgs=dict(block_cfgs=dict(window_size=7)),
        init_cfg=dict(
            type='Pretrained',
            checkpoint=f'work_dirs/{pretrained}/epoch_5.pth',
            prefix='backbone.',
        ),
    ),
    neck=dict(_delete_=True, type='GlobalAveragePooling'),
)

# optimizer wrapper
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            '_delete_': True,
            '.norm': dict(decay_mult=0.0),
            '.bias': dict(decay_mult=0.0),
            '.relative_position_bias_table': dict(decay_mult=0.0),
        }
    )
)
