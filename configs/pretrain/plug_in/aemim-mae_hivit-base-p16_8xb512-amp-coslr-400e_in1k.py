# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over MAE with HiViT-B/16, 400 epochs on ImageNet-1K.

Stock recipe: mae/mae_hivit-base-p16_8xb512-amp-coslr-400e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here.

A fourth line changes the decoder. HiViT has no class token, but the stock
decoder takes the first visible patch for one, so that each visible position
decodes the next patch. MAEPretrainDecoderNoCls does not; its parameters are
the same.

The stock recipe has resume=True: a second start with the same work directory
goes on. To begin from weights (load_from), add --cfg-options resume=False.

Command::

    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-mae_hivit-base-p16_8xb512-amp-coslr-400e_in1k.py 8
"""  # noqa: E501

_base_ = 'mmpretrain::mae/mae_hivit-base-p16_8xb512-amp-coslr-400e_in1k.py'
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='MAE',
    attack=dict(type='FeatureDistancePGD'),
    neck=dict(type='MAEPretrainDecoderNoCls'),
)
