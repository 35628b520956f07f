# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.export.arch_zoo import named_arch


def test_names_are_those_of_the_class():
    base = named_arch(dict(type='MAEViT', arch='b'), embed_dims=768)
    assert base['num_heads'] == 12
    # not the ViT-S of the papers
    small = named_arch(dict(type='MAEViT', arch='small'), num_layers=8)
    assert (small['embed_dims'], small['num_heads']) == (768, 8)
    moco = dict(
        type='mmpretrain.MoCoV3ViT', arch='mocov3-small', patch_size=16
    )
    assert named_arch(moco)['num_heads'] == 12


def test_default_of_a_class_that_passes_arguments_on():
    assert named_arch(dict(type='DualNormViT'))['embed_dims'] == 768
    assert named_arch(dict(type='SwinTransformer'))['embed_dims'] == 96


def test_without_config():
    assert named_arch({}, embed_dims=3) is None


def test_tuples_and_lists_are_equal():
    arch = dict(embed_dims=4, depths=(1, 2), num_heads=(1, 2))
    cfg = dict(type='SwinTransformer', arch=arch, out_indices=(1,))
    assert named_arch(cfg, depths=[1, 2]) == arch


def test_refusals():
    with pytest.raises(ValueError, match="'Nowhere' with .*--config"):
        named_arch(dict(type='Nowhere', arch='b'))
    with pytest.raises(ValueError, match="arch='vit-s' of.*not in default"):
        named_arch(dict(type='MAEViT', arch='vit-s'))
    with pytest.raises(ValueError, match='embed_dims=768, the weights say 4'):
        named_arch(dict(type='MAEViT', arch='b'), embed_dims=4)


def test_no_pretrained_weights_are_looked_for():
    init = dict(type='Pretrained', checkpoint='nowhere.pth')
    cfg = dict(type='MAEViT', arch='deit-tiny', init_cfg=init)
    assert named_arch(cfg)['num_heads'] == 3
