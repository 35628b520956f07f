# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over EVA (MAE-style), ViT-B/16, 400 epochs on ImageNet-1K.

Stock recipe: eva/eva-mae-style_vit-base-p16_16xb256-coslr-400e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here. The target
network, which both run once, is left out.

Target network: CLIP ViT-B/16, on the clean image. Its weights, the stock ones,

    https://mmassets.onedl.ai/mmselfsup/1.x/target_generator_ckpt/clip_vit_base_16.pth.tar

are downloaded at the start into the cache of torch.hub. Where there is no
network, download the file elsewhere and pass

    --cfg-options \
    model.target_generator.tokenizer_path=PATH

The stock recipe has resume=True: a second start with the same work directory
goes on. To begin from weights (load_from), add --cfg-options resume=False.

Command, on two machines of 8 GPUs with NODE_RANK=0 and 1::

    NNODES=2 NODE_RANK=0 MASTER_ADDR=HOST_OF_RANK_0 \
    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-eva-mae-style_vit-base-p16_16xb256-coslr-400e_in1k.py 8
"""  # noqa: E501

_base_ = (
    'mmpretrain::eva/eva-mae-style_vit-base-p16_16xb256-coslr-400e_in1k.py'
)
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='EVA',
    attack=dict(type='FeatureDistancePGD'),
)
