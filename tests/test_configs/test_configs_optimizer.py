# Copyright (c) aemim_mm contributors. All rights reserved.
"""Optimizer groups and schedules that mmengine builds from the recipes."""

import pytest
from test_configs.config_tools import (
    OVER_MAE,
    PRETRAIN,
    build_full_size,
    check_twins,
    distinct,
    load,
    optimizer_groups,
)
from timm.optim import param_groups_weight_decay

# The groups depend on the network and the optimizer alone.
DISTINCT = distinct(
    OVER_MAE, 'model', 'optim_wrapper', ignore=('attack', 'adv_ratio')
)
SIMMIM = [name for name in PRETRAIN if 'simmim_' in name]
AEMIM = [name for name in DISTINCT if 'aemim' in name]
TOKENS = ('backbone.cls_token', 'adv.backbone.cls_token', 'neck.mask_token')
# The rule of the methods' own code, timm's: vectors and biases are spared. The
# official SimMIM adds the mask token, and so do mmpretrain's recipe for MAE
# and the small ones for a CPU for both tokens.
SPARED = {
    'pretrain/simmim_': ('backbone.mask_token',),
    'pretrain/aemim-simmim_': ('backbone.mask_token',),
    'pretrain/ablations/aemim_vit-tiny': TOKENS,
    'pretrain/aemim-wavelet_vit-tiny': TOKENS,
    'pretrain/aemim_vit-tiny': TOKENS,
    'pretrain/fast-aemim_vit-tiny': TOKENS,
    'pretrain/mae_vit-tiny': TOKENS,
}


def twins_of(model):
    """Two norms per layer and a final one, in encoder and decoder."""
    layers = len(model.backbone.layers) + len(model.neck.decoder_blocks)
    return 2 * (2 * layers + 2)  # weight and bias each


@pytest.mark.parametrize('adapters', [('norm',), ('norm', 'cls_token')])
@pytest.mark.parametrize('name', AEMIM)
def test_a_twin_is_optimised_as_its_clean_parameter(name, adapters):
    cfg = load(name)
    model = build_full_size(cfg, adapters=adapters)
    check_twins(cfg, model, twins_of(model) + ('cls_token' in adapters))


@pytest.mark.parametrize('name', AEMIM)
def test_the_same_under_layer_decay(name):
    cfg = load(name)
    model = build_full_size(cfg)
    paramwise = dict(
        layer_decay_rate=0.5, custom_keys={'.ln': dict(decay_mult=0.0)}
    )
    found = check_twins(
        cfg,
        model,
        twins_of(model),
        constructor='LearningRateDecayOptimWrapperConstructor',
        paramwise_cfg=paramwise,
    )
    # Layer i of n lies n - i layers below the head.
    lr = cfg.optim_wrapper.optimizer.lr
    depth = len(model.backbone.layers)
    first = found['adv.backbone.layers.0.ln1.weight']
    assert first == (pytest.approx(lr * 0.5**depth), 0)


@pytest.mark.parametrize('name', [*DISTINCT, *SIMMIM])
def test_weight_decay_is_that_of_the_method_s_own_code(name):
    cfg = load(name)
    model = build_full_size(cfg)
    spared = [v for k, v in SPARED.items() if name.startswith(k)]
    groups = param_groups_weight_decay(
        model, 0.05, no_weight_decay_list=(spared or [()])[0]
    )
    decays = {
        id(parameter): group['weight_decay']
        for group in groups
        for parameter in group['params']
    }
    parameters = dict(model.named_parameters())
    found = optimizer_groups(cfg, model)
    for key, (_, decay) in found.items():
        assert decay == decays[id(parameters[key])], key
    # As many as timm has, and both kinds.
    assert len(found) == len(decays) and len(set(decays.values())) == 2


def test_few_kernels_update():
    """The same as the default's: see the tests of MergedAdamW."""
    optimizers = [load(name).optim_wrapper.optimizer for name in PRETRAIN]
    fused = {o.type for o in optimizers if o.get('fused')}
    assert fused == {'MergedAdamW'}


def test_fine_tuning_decays_the_learning_rate_by_depth():
    cfg = load('finetune/vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py')
    found = optimizer_groups(cfg, build_full_size(cfg))
    lr = cfg.optim_wrapper.optimizer.lr
    assert found['head.fc.weight'] == (lr, 0.05)
    assert found['backbone.ln2.weight'] == (lr, 0)
    rates = [found[f'backbone.layers.{i}.ffn.layers.1.weight'] for i in (3, 0)]
    assert rates == [(lr * 0.9, 0.05), (pytest.approx(lr * 0.9**4), 0.05)]
    assert found['backbone.cls_token'] == (pytest.approx(lr * 0.9**5), 0)
