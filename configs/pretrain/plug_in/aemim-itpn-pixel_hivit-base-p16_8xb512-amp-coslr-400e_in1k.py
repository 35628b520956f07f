# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over iTPN (pixels), HiViT-B/16, 400 epochs on ImageNet-1K.

Stock recipe: itpn/itpn-pixel_hivit-base-p16_8xb512-amp-coslr-400e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here.

The stock recipe has resume=True: a second start with the same work directory
goes on. To begin from weights (load_from), add --cfg-options resume=False.

Command::

    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-itpn-pixel_hivit-base-p16_8xb512-amp-coslr-400e_in1k.py 8
"""  # noqa: E501

_base_ = (
    'mmpretrain::itpn/itpn-pixel_hivit-base-p16_8xb512-amp-coslr-400e_in1k.py'
)
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='iTPN',
    attack=dict(type='FeatureDistancePGD'),
)
