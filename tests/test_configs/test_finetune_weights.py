# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a recipe leaves fills what its fine-tuning recipe builds."""

import copy
import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmpretrain.registry import HOOKS, MODELS
from test_configs.config_tools import (
    FINETUNE,
    build_full_size,
    load,
    tokenizer_on_meta,
)

from aemim_mm.checkpoints.fit import (
    fit_checkpoint,
    state_dict_of,
)

VIT_S = 'finetune/vit-small-p16_8xb256-amp-coslr-200e_in1k.py'
SWIN = 'finetune/swin-base-w7_8xb256-amp-coslr-100e_in1k.py'
# Resized with real numbers, which 'meta' does not have.
ON_META = [name for name in FINETUNE if name != SWIN]
LN1, LN2 = ({f'{n}.{p}' for p in ('weight', 'bias')} for n in ('ln1', 'ln2'))
# By mmpretrain's function with SciPy 1.13.1, which has interp2d.
SINES_RESIZED = [-2.2002e-05, -0.96139705, 0.20212036, -0.39585707]
TINY = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16)


def recipe_of(cfg):
    """The pre-training recipe that a fine-tuning recipe starts from."""
    folder = cfg.model.backbone.init_cfg.checkpoint.split('/')[1]
    return load(f'pretrain/{folder}.py')


def hook_of(cfg):
    (hook,) = (h for h in cfg.custom_hooks if h.type == 'CheckpointFitHook')
    return HOOKS.build(dict(hook))


@pytest.mark.parametrize('name', ON_META)
def test_every_shared_key_at_the_real_size(name):
    cfg = load(name)
    backbone = build_full_size(cfg).backbone
    recipe = recipe_of(cfg)
    pretrained = build_full_size(recipe, **tokenizer_on_meta(recipe))
    checkpoint = dict(state_dict=pretrained.state_dict())
    init_cfg = cfg.model.backbone.init_cfg
    fit = fit_checkpoint(backbone, state_dict_of(checkpoint, init_cfg.prefix))
    missing, unused = set(fit.missing), set(fit.unexpected)
    assert not fit.mismatched and not fit.surplus
    if 'linear' in name or 'mocov3' in name:
        assert not missing and not unused
    elif 'beit' in name:
        # The shared table goes into every layer, where the index is made.
        index = 'attn.relative_position_index'
        assert missing == LN2 | {f'layers.{i}.{index}' for i in range(12)}
        assert unused == LN1 | {'mask_token'}
        assert 'rel_pos_bias.relative_position_bias_table' in (
            pretrained.backbone.state_dict()
        )
    elif 'swin' in name:
        assert (missing, unused) == (set(), {'mask_token'})
    else:
        assert (missing, unused) == (LN2, LN1)
        depth = len(backbone.layers)
        assert str(fit) == f'{12 * depth + 4} of {12 * depth + 6} keys'
    allowed = hook_of(cfg).allow_missing
    assert allowed == ('ln2.*', '*relative_position_index')


@pytest.fixture
def shrunken(tmp_path):
    """The stock recipe with a tiny encoder, and a checkpoint for it.

    Pre-trained by AEMIM: clean encoder, adversarial adapters, decoder.
    """
    cfg = load(VIT_S)
    recipe = recipe_of(cfg).model
    recipe.data_preprocessor = recipe_of(cfg).data_preprocessor
    recipe.backbone.update(arch=TINY)
    recipe.neck.update(
        embed_dim=16,
        decoder_embed_dim=16,
        decoder_depth=1,
        decoder_num_heads=2,
    )
    pretrained = MODELS.build(recipe)
    path = tmp_path / 'epoch_300.pth'
    torch.save(dict(state_dict=pretrained.state_dict()), path)
    cfg.model.backbone.update(arch=TINY)
    cfg.model.backbone.init_cfg.checkpoint = str(path)
    cfg.model.head.in_channels = 16
    cfg.model.data_preprocessor = cfg.data_preprocessor
    return cfg, pretrained


def check(cfg, caplog):
    """What the hook does before training; the model and the log."""
    model = MODELS.build(copy.deepcopy(cfg.model))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    caplog.set_level(logging.INFO)
    runner = SimpleNamespace(
        model=model,
        optim_wrapper=OptimWrapper(optimizer),
        logger=logging.getLogger('test_finetune_weights'),
    )
    hook_of(cfg).before_run(runner)
    return model, caplog.text


def edit(cfg, change):
    path = cfg.model.backbone.init_cfg.checkpoint
    state = torch.load(path)['state_dict']
    torch.save(dict(state_dict=change(state)), path)


def test_the_stock_recipe_passes(shrunken, caplog):
    cfg, pretrained = shrunken
    model, log = check(cfg, caplog)
    assert 'Checkpoint fits: 28 of 30 keys loaded from' in log
    model.init_weights()
    theirs = pretrained.backbone.state_dict()
    ours = model.backbone.state_dict()
    assert ours.keys() - theirs.keys() == LN2
    for key in ours.keys() - LN2:
        assert torch.equal(ours[key], theirs[key]), key


def test_linear_probing_needs_the_final_norm(shrunken, caplog):
    cfg, _ = shrunken
    cfg.model.backbone.update(out_type='cls_token', final_norm=True)
    _, log = check(cfg, caplog)
    assert 'Checkpoint fits: 30 of 30 keys' in log

    def without(state):
        del state['backbone.ln1.weight']
        return state

    edit(cfg, without)
    with pytest.raises(ValueError, match=r'missing in the file: ln1\.weight'):
        check(cfg, caplog)


def test_swin_from_window_6_at_192_px_to_window_7_at_224_px(tmp_path, caplog):
    arch = dict(embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 2, 4, 8])
    cfg = load(SWIN)
    recipe = recipe_of(cfg)
    recipe.model.backbone.arch = arch
    recipe.model.neck.in_channels = 64
    recipe.model.data_preprocessor = recipe.data_preprocessor
    pretrained = MODELS.build(recipe.model)
    pretrained.init_weights()
    first = pretrained.backbone.stages[0].blocks[0].attn.w_msa
    sines = torch.sin(torch.arange(242) * 1.7)[::2, None]
    first.relative_position_bias_table.data.copy_(sines)
    path = tmp_path / 'epoch_100.pth'
    torch.save(dict(state_dict=pretrained.state_dict()), path)
    cfg.model.backbone.arch = arch
    cfg.model.backbone.init_cfg.checkpoint = str(path)
    cfg.model.head.in_channels = 64
    cfg.model.data_preprocessor = cfg.data_preprocessor
    model, log = check(cfg, caplog)
    # Five blocks of 13 keys and an index, three downsamplings of 3 keys,
    # patch embedding of 4, final norm of 2.
    assert 'Checkpoint fits: 80 of 85 keys' in log
    assert 'relative_position_index' in log
    model.init_weights()
    theirs = pretrained.backbone.state_dict()
    ours = model.backbone.state_dict()
    fresh = MODELS.build(copy.deepcopy(cfg.model)).backbone.state_dict()
    assert theirs.keys() - ours.keys() == {'mask_token'}
    assert ours.keys() <= theirs.keys()
    for key, value in ours.items():
        if key.endswith('relative_position_index'):
            assert torch.equal(value, fresh[key]), key
            assert value.shape == (49, 49)
        elif not key.endswith('relative_position_bias_table'):
            assert torch.equal(value, theirs[key]), key
        else:
            heads = theirs[key].shape[1]
            assert (len(theirs[key]), value.shape) == (121, (169, heads))
    key = 'stages.0.blocks.0.attn.w_msa.relative_position_bias_table'
    torch.testing.assert_close(
        ours[key][[0, 6, 84, 168], 0],
        torch.tensor(SINES_RESIZED),
        rtol=0,
        atol=1e-6,
    )
    features = model.extract_feat(torch.zeros(1, 3, 224, 224))
    assert features[-1].shape == (1, 64)
