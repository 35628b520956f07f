# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over CAE, ViT-B/16, 300 epochs on ImageNet-1K.

Stock recipe: cae/cae_beit-base-p16_8xb256-amp-coslr-300e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here. Target
network and teacher, which both run once, are left out.

Target network: DALL-E's encoder, on the second view, which is never attacked.
Its weights, the stock ones,

    https://mmassets.onedl.ai/mmselfsup/1.x/target_generator_ckpt/dalle_encoder.pth

are downloaded at the start into the cache of torch.hub. Where there is no
network, download the file elsewhere and pass

    --cfg-options \
    model.target_generator.init_cfg.checkpoint=PATH

The teacher, a copy of the encoder, needs no weights; it sees the clean first
view.

As in stock, the images are those that data/imagenet/meta/train.txt lists.
Where there is no such file, take every image under data/imagenet/train/ by

    --cfg-options train_dataloader.dataset.ann_file=

Command::

    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-cae_beit-base-p16_8xb256-amp-coslr-300e_in1k.py 8
"""  # noqa: E501

_base_ = 'mmpretrain::cae/cae_beit-base-p16_8xb256-amp-coslr-300e_in1k.py'
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='CAE',
    attack=dict(type='FeatureDistancePGD'),
)
