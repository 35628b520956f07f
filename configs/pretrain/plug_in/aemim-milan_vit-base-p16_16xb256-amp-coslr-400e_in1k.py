# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over MILAN, ViT-B/16, 400 epochs on ImageNet-1K.

Stock recipe: milan/milan_vit-base-p16_16xb256-amp-coslr-400e_in1k.py of
mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
10/3x, the more the larger the encoder's share; not measured here. The target
network, which both run once, is left out.

A fourth line gives the decoder the width of the encoder, 768. Stock leaves it
at 1024, and the stock recipe stops at its first step. A fifth says that the
learning rate is written for 4096 images, 16 x 256, as its formula has it. Stock
has 2048 there, by which --auto-scale-lr would double the rate.

Target network: CLIP ViT-B/16, on the clean image. Its weights, the stock ones,

    https://mmassets.onedl.ai/mmselfsup/1.x/target_generator_ckpt/clip_vit_base_16.pth.tar

are downloaded at the start into the cache of torch.hub. Where there is no
network, download the file elsewhere and pass

    --cfg-options \
    model.target_generator.tokenizer_path=PATH

Despite "amp" in its name the stock recipe trains in float32. Leave it so: the
mask is drawn with probabilities that float16 may round to 0, which raises.

The stock recipe has resume=True: a second start with the same work directory
goes on. To begin from weights (load_from), add --cfg-options resume=False.

Command, on two machines of 8 GPUs with NODE_RANK=0 and 1::

    NNODES=2 NODE_RANK=0 MASTER_ADDR=HOST_OF_RANK_0 \
    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-milan_vit-base-p16_16xb256-amp-coslr-400e_in1k.py 8
"""  # noqa: E501

_base_ = 'mmpretrain::milan/milan_vit-base-p16_16xb256-amp-coslr-400e_in1k.py'
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='MILAN',
    attack=dict(type='FeatureDistancePGD'),
    neck=dict(embed_dim=768),
)
auto_scale_lr = dict(base_batch_size=4096)
