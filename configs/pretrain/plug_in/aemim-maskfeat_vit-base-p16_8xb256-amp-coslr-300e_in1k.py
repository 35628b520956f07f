# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over MaskFeat, ViT-B/16, 300 epochs on ImageNet-1K.

Stock recipe: maskfeat/maskfeat_vit-base-p16_8xb256-amp-coslr-300e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here.

The target, HOG of the clean image, needs no weights.

As in stock, the images are those that data/imagenet/meta/train.txt lists.
Where there is no such file, take every image under data/imagenet/train/ by

    --cfg-options train_dataloader.dataset.ann_file=

Command::

    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-maskfeat_vit-base-p16_8xb256-amp-coslr-300e_in1k.py 8
"""  # noqa: E501

_base_ = (
    'mmpretrain::maskfeat/maskfeat_vit-base-p16_8xb256-amp-coslr-300e_in1k.py'
)
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='MaskFeat',
    attack=dict(type='FeatureDistancePGD'),
)
