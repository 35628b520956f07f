# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of ViT-B/16 on a labelled folder of your own.

`data_root` holds `train/CLASS/IMAGE` and `val/CLASS/IMAGE`, `num_classes` says
how many classes, and `init` names what pre-training left: docs/your_images.md.
It is no recipe of the paper, and was not run at scale here.

Command::

    python tools/train.py \
    configs/finetune/your_images/vit-base.py \
    --cfg-options data_root=/labelled num_classes=3 \
    init=work_dirs/fast-aemim_vit-base/iter_20000.pth
"""

_base_ = [
    '../../_base_/models/vit-base-p16.py',
    '../../_base_/datasets/your_labelled_images.py',
    '../../_base_/schedules/your_images_finetune_50e.py',
    '../../_base_/default_runtime.py',
]

# optimizer wrapper
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.65))
