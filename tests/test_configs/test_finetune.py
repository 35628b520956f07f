# Copyright (c) aemim_mm contributors. All rights reserved.
"""The ImageNet fine-tuning recipes: Table 2, and against mmpretrain's.

The lists are exact: a difference that is not listed fails, and so does a
listed one that is not there.
"""

import pytest
import torch
from mmengine.hub import get_config
from mmpretrain.models import VisionTransformer
from test_configs.config_tools import (
    FINETUNE,
    build_full_size,
    differences,
    flatten,
    header,
    load,
    optimizer_groups,
)

VIT_S = 'vit-small-p16_8xb256-amp-coslr-200e_in1k.py'
VIT_B_300 = 'vit-base-p16_from-300e_8xb256-amp-coslr-100e_in1k.py'
VIT_B_800 = 'vit-base-p16_from-800e_8xb256-amp-coslr-100e_in1k.py'
LINEAR = 'vit-{}-p16_8xb2048-amp-linear-coslr-90e_in1k.py'
SWIN = 'swin-base-w7_8xb256-amp-coslr-100e_in1k.py'
BEIT = 'beit-{}-p16_8xb128-coslr-100e_in1k.py'
CIM = 'cim_vit-{}_8xb128-coslr-100e_in1k.py'
MOCO = 'mocov3_vit-{}-p16_8xb64-coslr-150e_in1k.py'
MAE_STOCK = 'mae/benchmarks/vit-base-p16_8xb128-coslr-100e_in1k.py'
LINEAR_STOCK = 'mae/benchmarks/vit-base-p16_8xb2048-linear-coslr-90e_in1k.py'
SWIN_STOCK = 'simmim/benchmarks/swin-base-w7_8xb256-coslr-100e_in1k.py'
BEIT_STOCK = 'beit/benchmarks/beit-base-p16_8xb128-coslr-100e_in1k.py'
MOCO_STOCK = 'mocov3/benchmarks/vit-base-p16_8xb64-coslr-150e_in1k.py'

PHASES = ('train', 'val', 'test')
# Of every recipe, each with its reason.
OURS = {
    # What our pre-training leaves, in place of nothing.
    'pretrained',
    'model.backbone.init_cfg.checkpoint',
    # The package registers its classes.
    'custom_imports.imports.0',
    'custom_imports.allow_failed_imports',
    # A kill while writing leaves the previous checkpoint.
    'default_hooks.checkpoint.type',
    # A damaged training image is logged and replaced; stock ends the run.
    'train_pipeline.0.type',
    'train_dataloader.dataset.pipeline.0.type',
    # Exact resume needs workers that are seeded for each epoch.
    'train_dataloader.persistent_workers',
    'train_dataloader.worker_init_fn.type',
    # As with Pillow, in the methods' own code.
    *(
        f'{pipeline}.0.color_type'
        for pipeline in (
            'train_pipeline',
            'test_pipeline',
            *(f'{p}_dataloader.dataset.pipeline' for p in PHASES),
        )
    ),
}
# Also as the methods' own code; MAE's linear probing has it in mmpretrain.
DROP_LAST = {'train_dataloader.drop_last'}
# Exact resume, non-finite losses, misfitting checkpoints, the recipe in the
# log: stock has no custom hooks.
HOOKS = {f'custom_hooks.{index}.type' for index in range(5)}
# mmpretrain's tools set this when a run starts.
TRAIN_COLLATE = {'train_dataloader.collate_fn.type'}
# On a base of ours: the runtime, the same collate_fn everywhere, as many
# workers as pre-training has, and its crops.
OWN_BASE = {
    'log_processor.mean_pattern',
    'val_dataloader.collate_fn.type',
    'test_dataloader.collate_fn.type',
    'train_dataloader.num_workers',
    # The same draws and pixels, faster.
    'train_pipeline.1.type',
    'train_dataloader.dataset.pipeline.1.type',
}
# AMP as in MAE's code, which fits 256 images into a GPU.
AMP = {'optim_wrapper.type', 'optim_wrapper.loss_scale'}
# Stock is for a batch of 1024 (Table 2: 2048).
BATCH_2048 = {
    'train_dataloader.batch_size',
    'auto_scale_lr.base_batch_size',
    'optim_wrapper.optimizer.lr',
}
# Stock inherits them from Swin's schedule: torch's default, keys that no ViT
# has, and rules that spare what the custom keys spare already (tested below).
SWIN_RULES = {
    'optim_wrapper.optimizer.eps',
    'optim_wrapper.paramwise_cfg.norm_decay_mult',
    'optim_wrapper.paramwise_cfg.bias_decay_mult',
    'optim_wrapper.paramwise_cfg.flat_decay_mult',
    'optim_wrapper.paramwise_cfg.custom_keys..absolute_pos_embed.decay_mult',
    'optim_wrapper.paramwise_cfg.custom_keys.'
    '.relative_position_bias_table.decay_mult',
}
MAE = OURS | HOOKS | TRAIN_COLLATE | OWN_BASE | AMP | BATCH_2048 | SWIN_RULES
MAE |= DROP_LAST
# Table 2: stock has 0.65, which is that of the paper after 800 epochs.
LAYER_DECAY = {'optim_wrapper.paramwise_cfg.layer_decay_rate'}
EPOCHS_200 = {
    'train_cfg.max_epochs',
    'param_scheduler.1.T_max',
    'param_scheduler.1.end',
}
# Stock has ViT-B; ViT-S/16 is 384 wide.
SMALL = {'model.backbone.arch', 'model.head.in_channels'}
PROBE = OURS | HOOKS | TRAIN_COLLATE | OWN_BASE
PROBE |= {
    # AmpOptimWrapper's default, written out.
    'optim_wrapper.loss_scale',
    # Stock keeps 1024, which is wrong for 8 x 2048.
    'auto_scale_lr.base_batch_size',
    # MAE's code crops and resizes by bicubic interpolation.
    'train_pipeline.1.interpolation',
    'train_dataloader.dataset.pipeline.1.interpolation',
    'test_pipeline.1.interpolation',
    'val_dataloader.dataset.pipeline.1.interpolation',
    'test_dataloader.dataset.pipeline.1.interpolation',
    # Only how fast evaluation is; False is the default.
    'val_dataloader.batch_size',
    'val_dataloader.drop_last',
    'test_dataloader.batch_size',
    'test_dataloader.drop_last',
}
# Stock draws the same random numbers in all processes.
INHERITED = OURS | DROP_LAST | {'randomness.diff_rank_seed'}
# mmpretrain's average of the weights comes first.
AFTER_EMA = {f'custom_hooks.{index}.type' for index in range(1, 6)}
# For --auto-scale-lr.
BASE_BATCH = {'auto_scale_lr.base_batch_size'}
MOCO_ALL = INHERITED | AFTER_EMA | TRAIN_COLLATE | BASE_BATCH
# 12 heads; stock's VisionTransformer has no name for it.
MOCO_ARCH = {
    f'model.backbone.arch.{key}'
    for key in ('embed_dims', 'num_layers', 'num_heads')
} | {'model.backbone.arch.feedforward_channels'}
# A ViT with absolute positions, and the normalisation of its pre-training.
CIM_ALL = (
    INHERITED
    | HOOKS
    | TRAIN_COLLATE
    | {'optim_wrapper.type', 'model.backbone.type'}
    | {
        f'model.backbone.{key}'
        for key in (
            'final_norm',
            'use_abs_pos_emb',
            'use_rel_pos_bias',
            'use_shared_rel_pos_bias',
        )
    }
    | {f'data_preprocessor.{k}.{i}' for k in ('mean', 'std') for i in range(3)}
)
CASES = {
    VIT_S: (MAE_STOCK, MAE | LAYER_DECAY | EPOCHS_200 | SMALL),
    VIT_B_300: (MAE_STOCK, MAE | LAYER_DECAY),
    VIT_B_800: (MAE_STOCK, MAE),
    LINEAR.format('base'): (LINEAR_STOCK, PROBE),
    LINEAR.format('small'): (
        LINEAR_STOCK,
        PROBE | SMALL | {'model.neck.input_features'},
    ),
    SWIN: (
        SWIN_STOCK,
        INHERITED
        | HOOKS
        | BASE_BATCH
        # Stock cannot resize the tables with SciPy 1.14 or later; and
        # AmpOptimWrapper's default, written out.
        | {'model.backbone.type', 'optim_wrapper.loss_scale'}
        # The official cosine spans all epochs.
        | {'param_scheduler.1.type', 'param_scheduler.1.T_max'},
    ),
    # OptimWrapper is the default, written out.
    BEIT.format('base'): (
        BEIT_STOCK,
        INHERITED | HOOKS | TRAIN_COLLATE | {'optim_wrapper.type'},
    ),
    BEIT.format('small'): (
        BEIT_STOCK,
        INHERITED | HOOKS | TRAIN_COLLATE | {'optim_wrapper.type'} | SMALL,
    ),
    CIM.format('base-p16_from-300e'): (BEIT_STOCK, CIM_ALL),
    CIM.format('base-p16_from-800e'): (BEIT_STOCK, CIM_ALL),
    CIM.format('small-p16'): (BEIT_STOCK, CIM_ALL | SMALL),
    MOCO.format('base'): (MOCO_STOCK, MOCO_ALL),
    MOCO.format('small'): (MOCO_STOCK, MOCO_ALL | SMALL | MOCO_ARCH),
}
# Table 2: base learning rate, layer decay, epochs; Table 4: top-1.
TABLE_2 = {
    VIT_S: (1e-3, 0.8, 200, (80.9, 81.2, 81.4)),
    VIT_B_300: (1e-3, 0.7, 100, (82.9, 83.3, 83.4)),
    VIT_B_800: (5e-4, 0.65, 100, (83.3, 83.6, 83.8)),
}
PAPER = {
    **{name: values[-1] for name, values in TABLE_2.items()},
    SWIN: (83.5, 83.7),
    BEIT.format('base'): (83.2,),
    BEIT.format('small'): (81.3,),
    CIM.format('base-p16_from-300e'): (83.3,),
    CIM.format('base-p16_from-800e'): (83.4,),
    CIM.format('small-p16'): (81.5,),
    MOCO.format('base'): (83.2,),
    MOCO.format('small'): (81.4,),
}


def test_every_recipe_is_compared():
    names = {name.removeprefix('finetune/') for name in FINETUNE}
    assert names - set(CASES) == {
        'swin-tiny-w7_1xb256-coslr-4e_fashion-mnist.py',
        'vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py',
        'vit-tiny-p4_1xb256-linear-coslr-4e_fashion-mnist.py',
    }


@pytest.mark.parametrize('name', CASES)
def test_differs_from_stock_as_listed(name):
    def unscoped(cfg):  # the mark that mmengine leaves of a foreign base
        leaves = flatten(cfg.to_dict())
        return {k: v for k, v in leaves.items() if not k.endswith('_scope_')}

    stock, expected = CASES[name]
    stock = unscoped(get_config(f'mmpretrain::{stock}'))
    ours = unscoped(load(f'finetune/{name}'))
    assert set(differences(stock, ours)) == expected


@pytest.mark.parametrize('name', TABLE_2)
def test_the_settings_of_table_2(name):
    base_lr, layer_decay, epochs, _ = TABLE_2[name]
    cfg = load(f'finetune/{name}')
    optimizer = cfg.optim_wrapper.optimizer
    assert optimizer.lr == pytest.approx(base_lr * 2048 / 256)
    assert (optimizer.betas, optimizer.weight_decay) == ((0.9, 0.999), 0.05)
    assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == layer_decay
    assert cfg.train_cfg.max_epochs == epochs
    warming, cooling = cfg.param_scheduler
    assert (warming.end, cooling.begin, cooling.end) == (5, 5, epochs)
    assert cooling.T_max == epochs - 5
    backbone, head = cfg.model.backbone, cfg.model.head
    assert backbone.drop_path_rate == 0.1
    assert backbone.out_type == 'avg_featmap' and backbone.img_size == 224
    assert head.loss.label_smooth_val == 0.1
    alphas = {a.type: a.alpha for a in cfg.model.train_cfg.augments}
    assert alphas == dict(Mixup=0.8, CutMix=1.0)
    steps = {step.type: step for step in cfg.train_pipeline}
    rand = steps['RandAugment']
    assert (rand.magnitude_level, rand.magnitude_std) == (9, 0.5)
    assert steps['RandomErasing'].erase_prob == 0.25


@pytest.mark.parametrize('name', TABLE_2)
def test_learning_rates_fall_by_depth(name):
    base_lr, rate, *_ = TABLE_2[name]
    cfg = load(f'finetune/{name}')
    model = build_full_size(cfg)
    found = optimizer_groups(cfg, model)
    top = base_lr * 8

    def scales(*keys):
        (scale,) = {found[f'backbone.{key}'][0] / top for key in keys}
        return scale

    embedding = ('cls_token', 'pos_embed', 'patch_embed.projection.weight')
    assert scales(*embedding) == pytest.approx(rate**13)
    for layer in range(12):
        prefix = f'layers.{layer}.'
        keys = [
            key.removeprefix('backbone.')
            for key in found
            if key.startswith(f'backbone.{prefix}')
        ]
        assert len(keys) == 12
        assert scales(*keys) == pytest.approx(rate ** (12 - layer))
    # The new norm and the head have the full rate.
    assert scales('ln2.weight', 'ln2.bias') == pytest.approx(1)
    assert found['head.fc.weight'] == (pytest.approx(top), 0.05)


def test_learning_rates_of_swin_fall_by_depth():
    cfg = load(f'finetune/{SWIN}')
    found = optimizer_groups(cfg, build_full_size(cfg))
    # 24 blocks between the patch embedding and the head.
    for key, depth in (
        ('backbone.patch_embed.projection.weight', 25),
        ('backbone.stages.0.blocks.0.attn.w_msa.qkv.weight', 24),
        ('backbone.stages.2.blocks.17.ffn.layers.1.weight', 3),
        ('backbone.stages.3.blocks.1.attn.w_msa.proj.weight', 1),
        ('head.fc.weight', 0),
    ):
        assert found[key] == (pytest.approx(5e-3 * 0.9**depth), 0.05)


@pytest.mark.parametrize('name', TABLE_2)
def test_weight_decay_is_that_of_stock(name):
    cfg = load(f'finetune/{name}')
    model = build_full_size(cfg)
    ours = optimizer_groups(cfg, model)
    stock = get_config(f'mmpretrain::{MAE_STOCK}').optim_wrapper
    theirs = optimizer_groups(
        cfg, model, paramwise_cfg=stock.paramwise_cfg.to_dict()
    )
    decays = {key: decay for key, (_, decay) in ours.items()}
    assert decays == {key: decay for key, (_, decay) in theirs.items()}
    # 4 matrices in each of 12 layers, the patch embedding, the head.
    assert sorted(decays.values())[-50:] == [0.05] * 50
    assert set(sorted(decays.values())[:-50]) == {0}


@pytest.mark.parametrize('name', CASES)
def test_classifies_at_its_real_size(name):
    cfg = load(f'finetune/{name}')
    model = build_full_size(cfg)
    model.eval()
    features = model.extract_feat(torch.zeros(2, 3, 224, 224, device='meta'))
    logits = model.head(features)
    assert logits.shape == (2, 1000)
    small, linear = 'small' in name, 'linear' in name
    width = 1024 if name == SWIN else 384 if small else 768
    cls_token = linear or 'mocov3' in name
    fc = model.head.layers.head if cls_token else model.head.fc
    assert (fc.in_features, fc.out_features) == (width, 1000)
    trained = {k for k, p in model.named_parameters() if p.requires_grad}
    if linear:
        assert trained == {
            'head.layers.head.weight',
            'head.layers.head.bias',
        }
        assert not model.neck.bn.affine
    else:
        assert trained == {k for k, _ in model.named_parameters()}


@pytest.mark.parametrize('size, heads', [('small', 12), ('base', 12)])
def test_moco_v3_has_the_heads_it_was_pretrained_with(size, heads):
    model = build_full_size(load(f'finetune/{MOCO.format(size)}'))
    recipe = f'mocov3_vit-{size}-p16_16xb256-amp-coslr-300e_in1k.py'
    pretrained = build_full_size(load(f'pretrain/{recipe}'))
    for backbone in (model.backbone, pretrained.backbone):
        assert isinstance(backbone, VisionTransformer)
        assert {layer.attn.num_heads for layer in backbone.layers} == {heads}
    assert model.backbone.embed_dims == pretrained.backbone.embed_dims


def test_vit_s_has_six_heads():
    for name in (VIT_S, LINEAR.format('small')):
        backbone = build_full_size(load(f'finetune/{name}')).backbone
        heads = {layer.attn.num_heads for layer in backbone.layers}
        assert (len(backbone.layers), heads) == (12, {6})


def test_moco_v3_has_the_hooks_of_every_run():
    hooks = load('_base_/run_hooks.py').custom_hooks
    for size in ('small', 'base'):
        ema, *rest = load(f'finetune/{MOCO.format(size)}').custom_hooks
        assert ema.type == 'EMAHook'
        assert rest == hooks


@pytest.mark.parametrize('name', CASES)
def test_header_gives_the_paper_s_numbers_as_such(name):
    doc = header(f'finetune/{name}')
    assert 'not run at scale here' in doc
    assert '--cfg-options model.backbone.init_cfg.checkpoint=PATH' in doc
    for accuracy in PAPER.get(name, ()):
        assert f'{accuracy} %' in doc
    assert ('has no such row' in doc) == ('linear' in name)
    if name in TABLE_2:
        base_lr, layer_decay, *_ = TABLE_2[name]
        rate = f'{base_lr:.0e}'.replace('e-0', 'e-')
        settings = f'(base learning rate {rate}, layer decay {layer_decay})'
        assert f'Table 2, column ViT-{name[4].upper()}/16 {settings}' in doc


@pytest.mark.parametrize('name', FINETUNE)
def test_starts_from_what_a_recipe_leaves(name):
    file = load(name).model.backbone.init_cfg.checkpoint
    _, folder, checkpoint = file.split('/')
    recipe = load(f'pretrain/{folder}.py')
    assert checkpoint == f'epoch_{recipe.train_cfg.max_epochs}.pth'
