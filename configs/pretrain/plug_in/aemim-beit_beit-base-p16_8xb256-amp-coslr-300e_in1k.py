# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over BEiT v1, ViT-B/16, 300 epochs on ImageNet-1K.

Stock recipe: beit/beit_beit-base-p16_8xb256-amp-coslr-300e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
11/3x, the more the larger the encoder's share (one encoder pass of it for
DropPath); not measured here. The target network, which both run once, is left
out.

Target network: DALL-E's encoder, on the second view, which is never attacked.
Its weights, the stock ones,

    https://mmassets.onedl.ai/mmselfsup/1.x/target_generator_ckpt/dalle_encoder.pth

are downloaded at the start into the cache of torch.hub. Where there is no
network, download the file elsewhere and pass

    --cfg-options \
    model.target_generator.init_cfg.checkpoint=PATH

Stock drop_path_rate is 0.1: the features that the attack is measured against
then come from one more encoder pass, without it.

As in stock, the images are those that data/imagenet/meta/train.txt lists.
Where there is no such file, take every image under data/imagenet/train/ by

    --cfg-options train_dataloader.dataset.ann_file=

Command::

    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-beit_beit-base-p16_8xb256-amp-coslr-300e_in1k.py 8
"""  # noqa: E501

_base_ = 'mmpretrain::beit/beit_beit-base-p16_8xb256-amp-coslr-300e_in1k.py'
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='BEiT',
    attack=dict(type='FeatureDistancePGD'),
)
