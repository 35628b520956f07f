# Copyright (c) aemim_mm contributors. All rights reserved.
r"""CIM-RESPIX, ViT-B/16, 800 epochs on ImageNet-1K.

Paper: Table 4, row "CIM-RESPIX 800" of ViT-B/16: 83.4 % top-1 after
fine-tuning, at 16.8x the pre-training time of MAE-300.
No star: the paper quotes the row. The settings are those of 300 epochs,
stretched to 800; the warm-up stays at 10 epochs.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 6.3x in the paper (16.8 x 300 / 800); by
counted operations in `docs/cost.md`.
The tokenizer downloads its weights; the URLs, and what to do without a
network, stand in the recipe of 300 epochs.

Command::

    tools/dist_train.sh \
    configs/pretrain/cim_vit-base-p16_8xb256-amp-coslr-800e_in1k.py 8
"""

_base_ = './cim_vit-base-p16_8xb256-amp-coslr-300e_in1k.py'

# learning rate scheduler
param_scheduler = _base_.param_scheduler
# the cosine spans the epochs from its begin to its end
param_scheduler[1].update(end=800)

# runtime settings
train_cfg = dict(max_epochs=800)
