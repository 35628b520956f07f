# Copyright (c) aemim_mm contributors. All rights reserved.
"""What cannot work raises, and says the value and the way out."""

import pytest
import torch
import torch.distributed as dist
from mmengine.runner.activation_checkpointing import (
    turn_on_activation_checkpointing,
)
from mmpretrain.registry import MODELS
from torch.distributed.fsdp import FullyShardedDataParallel
from toys import (
    batch,
    build_aemim,
    images,
    mae_cfg,
)


def build(**options):
    options = {'method': 'MAE', **mae_cfg('DualNormViT'), **options}
    return MODELS.build(dict(type='AEMIMAlgorithm', **options))


def test_activation_checkpointing_by_mmengine():
    model = build_aemim('MAE-DualNormViT')
    turn_on_activation_checkpointing(model, 'backbone.layers.1')
    with pytest.raises(RuntimeError, match='backbone.layers.1.*with_cp'):
        model.loss(images(2), None)


@pytest.mark.parametrize(
    'flag', ['with_cp', 'use_checkpoint', 'grad_checkpointing']
)
def test_activation_checkpointing_by_flag(flag):
    model = build_aemim('MAE-DualNormViT')
    setattr(model.backbone.layers[0], flag, True)
    with pytest.raises(RuntimeError, match='activation checkpointing is on'):
        model.loss(images(2), None)


def test_activation_checkpointing_by_torch_wrapper():
    from torch.distributed.algorithms._checkpoint import checkpoint_wrapper

    model = build_aemim('MAE-DualNormViT')
    layer = model.backbone.layers[0]
    model.backbone.layers[0] = checkpoint_wrapper.checkpoint_wrapper(layer)
    with pytest.raises(RuntimeError, match='activation checkpointing is on'):
        model.loss(images(2), None)


def test_sharded_parameters_zero3():
    model = build_aemim('MAE-DualNormViT')
    model.backbone.cls_token.ds_status = 'NOT_AVAILABLE'
    with pytest.raises(RuntimeError, match=r'backbone.cls_token.*ZeRO-3'):
        model.loss(images(2), None)


@pytest.fixture
def one_process(tmp_path):
    dist.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize('use_orig_params', [False, True])
@pytest.mark.parametrize('per_layer', [False, True])
def test_sharded_parameters_fsdp(one_process, use_orig_params, per_layer):
    model = build_aemim('MAE-DualNormViT')
    for parameter in model.parameters():
        parameter.requires_grad_(True)  # FSDP wants one setting for all
    options = dict(
        use_orig_params=use_orig_params, device_id=torch.device('cpu')
    )
    layers = model.backbone.layers
    for i in range(len(layers) if per_layer else 0):
        layers[i] = FullyShardedDataParallel(layers[i], **options)
    wrapped = FullyShardedDataParallel(model, **options)
    with pytest.raises(RuntimeError, match='FSDP'):
        wrapped(images(2), None, mode='loss')


@pytest.mark.parametrize('calls', [0, 2])
def test_encoder_must_be_called_once(calls):
    base = MODELS.get('MAE')

    class Odd(base):
        def loss(self, inputs, data_samples, **kwargs):
            for _ in range(calls):
                latent = self.backbone(inputs)[0]
            return dict(loss=latent.sum() if calls else inputs.sum())

    model = build(method=Odd)
    with pytest.raises(RuntimeError, match=f'exactly one.*counted {calls}'):
        model.loss(images(2), None)


def test_encoder_needs_a_positional_image():
    base = MODELS.get('MAE')

    class Keyword(base):
        def loss(self, inputs, data_samples, **kwargs):
            return dict(loss=self.backbone(x=inputs)[0].sum())

    model = build(method=Keyword)
    with pytest.raises(RuntimeError, match='first positional argument'):
        model.loss(images(2), None)


def test_checkpointing_in_a_target_network_is_harmless():
    model = build_aemim('BEiT-v2')
    model.target_generator.encoder.layers[0].with_cp = True
    model.loss(*batch('BEiT-v2'))
    model = build_aemim('BEiT-v2')
    model.backbone.layers[0].with_cp = True
    with pytest.raises(RuntimeError, match='activation checkpointing'):
        model.loss(*batch('BEiT-v2'))
