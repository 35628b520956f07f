# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over iTPN (CLIP), HiViT-B/16, 300 epochs on ImageNet-1K.

Stock recipe: itpn/itpn-clip-b_hivit-base-p16_8xb256-amp-coslr-300e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here. The target
network, which both run once, is left out.

Target network: CLIP ViT-B/16, on the second view, which is never attacked. Its
weights, the stock ones,

    https://mmassets.onedl.ai/mmselfsup/1.x/target_generator_ckpt/clip_vit_base_16.pth.tar

are downloaded at the start into the cache of torch.hub. Where there is no
network, download the file elsewhere and pass

    --cfg-options \
    model.target_generator.tokenizer_path=PATH

As in stock, the images are those that data/imagenet/meta/train.txt lists.
Where there is no such file, take every image under data/imagenet/train/ by

    --cfg-options train_dataloader.dataset.ann_file=

Command::

    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-itpn-clip-b_hivit-base-p16_8xb256-amp-coslr-300e_in1k.py 8
"""  # noqa: E501

_base_ = (
    'mmpretrain::itpn/itpn-clip-b_hivit-base-p16_8xb256-amp-coslr-300e_in1k.py'
)
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='iTPN',
    attack=dict(type='FeatureDistancePGD'),
)
