# Copyright (c) aemim_mm contributors. All rights reserved.
"""The ImageNet recipes against mmpretrain's MAE recipes, key by key.

The lists are exact: a difference that is not listed fails, and so does a
listed one that is not there.
"""

import re

import pytest
from mmengine import Config
from mmengine.hub import get_config
from test_configs.config_tools import (
    IN1K_SUFFIX,
    PRETRAIN,
    ROOT,
    build_full_size,
    differences,
    flatten,
    load,
)

# What FeatureExtractor asks for; stock recipes of pre-training lack it.
FOR_FEATURES = set(
    flatten(load('_base_/datasets/imagenet_test_224.py').to_dict())
)
# Differences of every recipe, each with its reason.
OURS = {
    *FOR_FEATURES,
    # Same keys and outputs, but only visible patches are embedded.
    'model.backbone.type',
    # Same keys and loss: only masked patches are predicted.
    'model.neck.type',
    'model.head.type',
    # The package registers its classes.
    'custom_imports.imports.0',
    'custom_imports.allow_failed_imports',
    # A kill while writing leaves the previous checkpoint.
    'default_hooks.checkpoint.type',
    # Exact resume, non-finite losses, misfitting checkpoints, the recipe in
    # the log, pictures: stock has no custom hooks.
    'custom_hooks.0.type',
    'custom_hooks.1.type',
    'custom_hooks.2.type',
    'custom_hooks.3.type',
    'custom_hooks.4.type',
    'custom_hooks.5.type',
    'custom_hooks.5.interval',
    # Few kernels update the weights: the same values up to rounding.
    'optim_wrapper.optimizer.fused',
    'optim_wrapper.optimizer.type',
    # Losses, recon_* and distance_* are logged as means over the interval.
    'log_processor.mean_pattern',
    # With it mmengine would take load_from for a run to resume; --resume does
    # what stock does.
    'resume',
    # A damaged image is logged and replaced; stock ends the run.
    'train_pipeline.0.type',
    'train_dataloader.dataset.pipeline.0.type',
    # Faster; antialiased as stock, values differ by 1 of 255 now and then.
    'train_pipeline.1.type',
    'train_pipeline.1.backend',
    'train_dataloader.dataset.pipeline.1.type',
    'train_dataloader.dataset.pipeline.1.backend',
    # Faster; the same flip, of a tensor, and no labels, which MAE never sees.
    *(
        f'{pipeline}.{key}'
        for pipeline in ('train_pipeline', 'train_dataloader.dataset.pipeline')
        for key in (
            *('2.type', '2.prob', '2.keys.0', '3.type', '3.p'),
            *('4.type', '4.keys.0', '4.keys.1', '5.type'),
        )
    ),
    # Exact resume needs workers that are seeded for each epoch.
    'train_dataloader.persistent_workers',
    'train_dataloader.worker_init_fn.type',
    # MAE's code: the last, incomplete batch is left out, images are not turned
    # by their EXIF data, and class token and mask token decay.
    'train_dataloader.drop_last',
    'train_pipeline.0.color_type',
    'train_dataloader.dataset.pipeline.0.color_type',
    'optim_wrapper.paramwise_cfg.custom_keys.cls_token.decay_mult',
    'optim_wrapper.paramwise_cfg.custom_keys.mask_token.decay_mult',
}
# Stock warms up 40 of 300 epochs; Table 1 of the paper says 15.
WARM_UP = {
    'param_scheduler.0.end',
    'param_scheduler.1.begin',
    'param_scheduler.1.T_max',
}
# Stock has ViT-B and larger; ViT-S/16 is 384 wide.
SMALL = {'model.backbone.arch', 'model.neck.embed_dim'}
# The algorithm: design of AEMIM over MAE.
AEMIM = {
    'model.type',
    'model.method',
    'model.attack.type',
    'model.attack.epsilon',
    'model.attack.num_steps',
    'model.adapters.0',
    'model.adv_ratio',
    'model.loss_ratio',
    'model.sequential_backward',
}


@pytest.mark.parametrize(
    'arch, epochs, expected',
    [
        ('small', 300, OURS | WARM_UP | SMALL),
        ('base', 300, OURS | WARM_UP),
        ('base', 800, OURS),
    ],
)
@pytest.mark.parametrize(
    'algorithm, more',
    [('mae', set()), ('aemim', AEMIM), ('fast-aemim', AEMIM)],
)
def test_differs_from_stock_as_listed(arch, epochs, expected, algorithm, more):
    suffix = IN1K_SUFFIX.format(epochs)
    ours = load(f'pretrain/{algorithm}_vit-{arch}-p16{suffix}')
    stock = get_config(f'mmpretrain::mae/mae_vit-base-p16{suffix}')
    different = set(differences(stock.to_dict(), ours.to_dict()))
    assert different == expected | more


def test_mae_1600_differs_from_stock_as_listed():
    suffix = IN1K_SUFFIX.format(1600)
    ours = load(f'pretrain/mae_vit-base-p16{suffix}')
    stock = get_config(f'mmpretrain::mae/mae_vit-base-p16{suffix}')
    assert set(differences(stock.to_dict(), ours.to_dict())) == OURS


# Of a recipe that inherits mmpretrain's: the hooks, without pictures, and
# what an exact resume needs. The rest is stock's.
INHERITED = {
    'custom_imports.imports.0',
    'custom_imports.allow_failed_imports',
    'default_hooks.checkpoint.type',
    'custom_hooks.0.type',
    'custom_hooks.1.type',
    'custom_hooks.2.type',
    'custom_hooks.3.type',
    'custom_hooks.4.type',
    'train_dataloader.persistent_workers',
    'train_dataloader.worker_init_fn.type',
    # As the methods' own code: no incomplete batch, no image turned.
    'train_dataloader.drop_last',
    'train_pipeline.0.color_type',
    'train_dataloader.dataset.pipeline.0.color_type',
}
# The list of images is the folder; stock asks for a file meta/train.txt.
FOLDER = {
    'train_dataloader.dataset.split',
    'train_dataloader.dataset.ann_file',
}
# Stock draws a seed, and the same one for all processes.
SEED = {'randomness.seed', 'randomness.diff_rank_seed'}
BEIT_300 = 'beit/beit_beit-base-p16_8xb256-amp-coslr-300e_in1k.py'
MOCO = 'mocov3_vit-{}-p16_16xb256-amp-coslr-300e_in1k.py'


def unscoped(cfg):
    """Without the mark that mmengine leaves of a foreign base."""
    return {
        path: value
        for path, value in flatten(cfg.to_dict()).items()
        if not path.endswith('_scope_')
    }


@pytest.mark.parametrize(
    'name, stock, more',
    [
        (
            'beit_beit-small-p16_8xb256-amp-coslr-300e_in1k.py',
            BEIT_300,
            FOLDER | {'model.backbone.arch', 'model.head.embed_dims'},
        ),
        (
            'beit_beit-base-p16_8xb256-amp-coslr-800e_in1k.py',
            BEIT_300,
            FOLDER | {'train_cfg.max_epochs', 'param_scheduler.1.end'},
        ),
        (MOCO.format('small'), 'mocov3/' + MOCO.format('small'), SEED),
        (MOCO.format('base'), 'mocov3/' + MOCO.format('base'), SEED),
    ],
)
def test_inherited_baselines_differ_as_listed(name, stock, more):
    ours = unscoped(load(f'pretrain/{name}'))
    stock = unscoped(get_config(f'mmpretrain::{stock}'))
    assert set(differences(stock, ours)) == INHERITED | FOR_FEATURES | more


@pytest.mark.parametrize(
    'name, more',
    [
        ('small-p16_8xb256-amp-coslr-300e', set()),
        ('base-p16_8xb256-amp-coslr-300e', set()),
        (
            'base-p16_8xb256-amp-coslr-800e',
            {'train_cfg.max_epochs', 'param_scheduler.1.end'},
        ),
    ],
)
def test_cim_is_trained_as_stock_beit_is(name, more):
    """Optimizer, schedule, batch; the model and its images are its own."""
    ours = load(f'pretrain/cim_vit-{name}_in1k.py')
    stock = unscoped(get_config(f'mmpretrain::{BEIT_300}'))
    found = {
        path
        for path in differences(stock, unscoped(ours))
        if not path.startswith('model.') and 'pipeline.' not in path
    }
    expected = INHERITED | FOR_FEATURES | FOLDER | more
    expected = {path for path in expected if 'pipeline.' not in path}
    # The tokenizer is frozen.
    assert found == expected | {'find_unused_parameters'}
    kinds = [step.type for step in ours.train_pipeline]
    crop = 'RandomResizedCropAndInterpolationWithTwoPic'
    assert kinds == ['LoadImageOrSkip', 'RandomFlip', crop, 'PackInputs']
    tokenizer = ours.model.target_generator
    stock_target = get_config(f'mmpretrain::{BEIT_300}').model.target_generator
    assert flatten(tokenizer.encoder) == flatten(stock_target)
    url = 'https://cdn.openai.com/dall-e/decoder.pkl'
    assert tokenizer.decoder.init_cfg.checkpoint == url


@pytest.mark.parametrize(
    'name',
    [
        name
        for name in PRETRAIN
        if re.search('/(beit|mocov3|cim_.*in1k)', name)
    ],
)
def test_inherited_baselines_run_under_another_trainer(name):
    """mmengine hands the keys of `collate_fn` to the function."""
    cfg = load(name)
    assert cfg.train_dataloader.collate_fn == dict(type='default_collate')
    # The mark is there, or this would test nothing.
    stock = Config.fromfile(ROOT / 'configs' / name).optim_wrapper
    assert stock['_scope_'] == 'mmpretrain'


def test_beit_s_sizes():
    cfg = load('pretrain/beit_beit-small-p16_8xb256-amp-coslr-300e_in1k.py')
    model = build_full_size(cfg)
    layers = model.backbone.layers
    assert (len(layers), layers[0].attn.num_heads) == (12, 6)
    assert model.backbone.embed_dims == model.head.cls_head.in_features == 384


def test_three_keys_turn_a_stock_config_into_aemim():
    recipe = f'mae/mae_vit-base-p16{IN1K_SUFFIX.format(300)}'
    plugged_in = Config.fromstring(
        f"""
_base_ = 'mmpretrain::{recipe}'
custom_imports = dict(imports=['aemim_mm'], allow_failed_imports=False)
model = dict(type='AEMIMAlgorithm', method='MAE')
""",
        '.py',
    )
    model = build_full_size(plugged_in)
    shipped = load(f'pretrain/aemim_vit-base-p16{IN1K_SUFFIX.format(300)}')
    expected = build_full_size(shipped)
    assert type(model) is type(expected)
    assert model.state_dict().keys() == expected.state_dict().keys()
    assert vars(model.attack) == vars(expected.attack)
    for name in ('adapters', 'adv_ratio', 'loss_ratio'):
        assert getattr(model, name) == getattr(expected, name)
