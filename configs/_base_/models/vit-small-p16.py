# Copyright (c) aemim_mm contributors. All rights reserved.
"""A classifier over ViT-S/16: 384 dimensions, 12 layers, 6 heads.

mmpretrain calls it 'deit-small'; its 'small' is 768 x 8 layers.
"""

_base_ = './vit-base-p16.py'

# model settings
model = dict(backbone=dict(arch='deit-small'), head=dict(in_channels=384))
