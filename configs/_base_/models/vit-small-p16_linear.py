# Copyright (c) aemim_mm contributors. All rights reserved.
"""A linear classifier over the class token of a frozen ViT-S/16."""

_base_ = './vit-base-p16_linear.py'

# model settings
model = dict(
    backbone=dict(arch='deit-small'),
    neck=dict(input_features=384),
    head=dict(in_channels=384),
)
