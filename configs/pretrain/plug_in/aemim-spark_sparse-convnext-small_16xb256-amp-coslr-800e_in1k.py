# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over SparK, ConvNeXt-S, 800 epochs on ImageNet-1K.

Stock recipe: spark/spark_sparse-convnext-small_16xb256-amp-coslr-800e_in1k.py
of mmpretrain. Its other settings are unchanged; the attack has its defaults
(epsilon 2, 2 steps).
Paper: no such row, it plugs AEMIM into MAE and SimMIM alone. This recipe was
not run at scale here.
Cost of a step relative to the stock recipe, by operation count: between 2x and
11/3x, the more the larger the encoder's share (one encoder pass of it for
DropPath); not measured here.

Stock drop_path_rate is 0.2: the features that the attack is measured against
then come from one more encoder pass, without it.

The learning rate is written for a batch of 4096, which stock does not say in
auto_scale_lr. For another batch let it be scaled, in the place of
--auto-scale-lr, by

    --cfg-options \
    auto_scale_lr.base_batch_size=4096 auto_scale_lr.enable=True

Command, on two machines of 8 GPUs with NODE_RANK=0 and 1::

    NNODES=2 NODE_RANK=0 MASTER_ADDR=HOST_OF_RANK_0 \
    tools/dist_train.sh \
    configs/pretrain/plug_in/aemim-spark_sparse-convnext-small_16xb256-amp-coslr-800e_in1k.py 8
"""  # noqa: E501

_base_ = (
    'mmpretrain::spark/'
    'spark_sparse-convnext-small_16xb256-amp-coslr-800e_in1k.py'
)
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(
    type='AEMIMAlgorithm',
    method='SparK',
    attack=dict(type='FeatureDistancePGD'),
)
