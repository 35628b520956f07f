# Copyright (c) aemim_mm contributors. All rights reserved.
"""The box head of CAE's detection recipe, to merge over mmdet's stock one."""

# 4 convolutions and 1 linear layer in place of 2 linear ones, and a loss on
# the decoded boxes
cae_bbox_head = dict(
    type='Shared4Conv1FCBBoxHead',
    norm_cfg=dict(type='SyncBN', requires_grad=True),
    reg_decoded_bbox=True,
    loss_bbox=dict(_delete_=True, type='GIoULoss', loss_weight=10.0),
)
