# Copyright (c) aemim_mm contributors. All rights reserved.
"""The plug-in configs: three lines each over a stock config of mmpretrain."""

import ast
import functools
import re

import pytest
import torch
from mmengine.hub import get_config
from mmpretrain.models.selfsup import milan
from test_configs.config_tools import (
    EVERY,
    PLUG_IN,
    ROOT,
    build_full_size,
    differences,
    flatten,
    load,
    meta_batch,
    optimizer_groups,
)

from aemim_mm.algorithms.drops import active_drops
from aemim_mm.engine.config_check import check_constructor_keys, check_names

# Norm layers of every model, each of which has its twin. They are counted
# from the architectures: blocks x norms per block + the others.
VIT = 12 * 2 + 1
VIT_DECODER = 8 * 2 + 1
HIVIT = 1 + 2 * (2 + 2) + 2 + 24 * 2
HIVIT_DECODER = 6 * 2 + 1
ITPN_PYRAMID = 3 + 2 + 4 + 3
SPARK_DECODER = 5 * 2
NORMS = {
    'mae_vit': VIT + VIT_DECODER,
    'mae_hivit': HIVIT + HIVIT_DECODER,
    'mff': VIT + VIT_DECODER,
    'eva': VIT + VIT_DECODER,
    'milan': VIT + VIT_DECODER,
    'maskfeat': VIT,
    'beit_': VIT,
    # No final norm in the encoder; two layers and one norm in the neck.
    'beitv2': VIT - 1 + 2 * 2 + 1,
    # Four regressor layers with 4 norms, four decoder layers, two norms.
    'cae': VIT + 4 * 4 + 4 * 2 + 2,
    # 24 blocks, patch embedding, three downsamplings, final norm.
    'simmim': 24 * 2 + 1 + 3 + 1,
    'mixmim': 24 * 2 + 1 + 3 + 1 + VIT_DECODER,
    'itpn-pixel': HIVIT + ITPN_PYRAMID + HIVIT_DECODER,
    'itpn-clip': HIVIT + ITPN_PYRAMID + 1,
    # 16 bottlenecks, four of them with a downsampling, and the stem; four
    # norms between encoder and decoder.
    'spark_sparse-resnet50': 16 * 3 + 4 + 1 + 4 + SPARK_DECODER,
    'spark_sparse-convnext': 36 + 4 + 4 + SPARK_DECODER,
}
# The weights of these target networks must come from somewhere.
WEIGHTS = {
    'beit_': 'dalle_encoder.pth',
    'beitv2': 'vqkd_encoder.pth',
    'cae': 'dalle_encoder.pth',
    'milan': 'clip_vit_base_16.pth.tar',
    'eva': 'clip_vit_base_16.pth.tar',
    'itpn-clip': 'clip_vit_base_16.pth.tar',
}
# Where the stock recipe itself needs a change, and why: the docstrings.
FOURTH_LINE = {
    'mae_hivit': {
        'model.neck.type': ('MAEPretrainDecoder', 'MAEPretrainDecoderNoCls')
    },
    'milan': {'model.neck.embed_dim': (None, 768)},
}
# These index by their mask or move it to the default device, which needs
# real numbers.
NO_META_STEP = dict.fromkeys(('beit', 'cae', 'itpn-clip', 'spark'), True)


def source(name):
    return (ROOT / 'configs' / name).read_text()


def stock_name(name):
    """What stands behind ``_base_ = 'mmpretrain::``."""
    for node in ast.parse(source(name)).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == '_base_':
            library, _, path = ast.literal_eval(node.value).partition('::')
            assert library == 'mmpretrain'
            return path


def leaves(cfg):
    """All values, without the mark that mmengine leaves of foreign bases."""
    found = flatten(cfg.to_dict())
    return {k: v for k, v in found.items() if not k.endswith('_scope_')}


def entry(table, name):
    """The value whose key the file name starts with, after ``aemim-``."""
    name = name.rpartition('/')[2].removeprefix('aemim-')
    found = [value for key, value in table.items() if name.startswith(key)]
    assert len(found) < 2
    return found[0] if found else None


def clip_shapes(*args, **kwargs):
    """CLIP ViT-B/16 as far as its shapes tell the architecture."""
    shapes = {
        'visual.proj': (768, 512),
        'visual.conv1.weight': (768, 3, 16, 16),
        'visual.positional_embedding': (197, 768),
        'text_projection': (512, 512),
        'positional_embedding': (77, 512),
        'token_embedding.weight': (49408, 512),
        'ln_final.weight': (512,),
    }
    for layer in range(12):
        block = f'transformer.resblocks.{layer}.attn.in_proj_weight'
        shapes[block] = (3 * 512, 512)
        shapes[f'visual.{block}'] = (3 * 768, 768)
    return {k: torch.empty(v, device='meta') for k, v in shapes.items()}


@functools.cache
def built(name):
    """Config and model at its real size, on 'meta'."""
    cfg = load(name)
    options = {}
    target = cfg.model.get('target_generator', {})
    if target.get('type') == 'DALL-E':  # on the CPU unless told otherwise
        options['target_generator'] = {**target, 'device': 'meta'}
    with pytest.MonkeyPatch.context() as patch:
        # CLIPGenerator loads its file in the constructor.
        patch.setattr(milan, '_load_checkpoint', clip_shapes)
        model = build_full_size(cfg, **options)
    model.train()
    return cfg, model


def test_every_method_is_there():
    methods = {built(name)[0].model.method for name in PLUG_IN}
    assert methods == {
        *('MAE', 'SimMIM', 'MaskFeat', 'BEiT', 'CAE', 'MILAN', 'EVA'),
        *('MixMIM', 'iTPN', 'SparK', 'MFF'),
    }
    assert all(entry(NORMS, name) for name in PLUG_IN)
    assert len(NORMS) == len(PLUG_IN)


def test_no_two_configs_share_a_work_directory():
    names = [name.rpartition('/')[2] for name in EVERY]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize('name', PLUG_IN)
def test_three_lines_over_stock(name):
    stock = stock_name(name)
    assert name == f'pretrain/plug_in/aemim-{stock.rpartition("/")[2]}'
    stock = get_config(f'mmpretrain::{stock}')
    expected = {
        'custom_imports.imports.0': (None, 'aemim_mm'),
        'custom_imports.allow_failed_imports': (None, False),
        'model.type': (stock.model.type, 'AEMIMAlgorithm'),
        'model.method': (None, stock.model.type),
        'model.attack.type': (None, 'FeatureDistancePGD'),
    }
    expected.update(entry(FOURTH_LINE, name) or {})
    assert differences(leaves(stock), leaves(built(name)[0])) == expected


@pytest.mark.parametrize('name', PLUG_IN)
def test_docstring_says_what_it_is(name):
    cfg, model = built(name)
    doc = ast.get_docstring(ast.parse(source(name)))
    assert stock_name(name) in doc and 'not run at scale here' in doc
    # Only these two are in the paper.
    assert ('no such row' in doc) == (
        cfg.model.method not in ('MAE', 'SimMIM') or 'hivit' in name
    )
    gpus = int(re.search(r'_(\d+)xb', name)[1])
    assert gpus in (8, 16)
    assert ('NNODES=2' in doc) == (gpus == 16)
    assert doc.endswith(f'tools/dist_train.sh \\\n    configs/{name} 8')
    # With it, load_from needs resume=False.
    assert ('--cfg-options resume=False' in doc) == cfg.resume
    drops = active_drops(model.backbone)
    assert ('drop_path_rate' in doc) == bool(drops)
    if drops:
        rate = float(re.search(r'drop_path_rate is ([\d.]+\d)', doc)[1])
        assert max(drop.drop_prob for drop in drops) == pytest.approx(rate)


@pytest.mark.parametrize('name', PLUG_IN)
def test_docstring_says_where_weights_come_from(name):
    doc = ast.get_docstring(ast.parse(source(name)))
    cfg = leaves(built(name)[0])
    urls = {k: v for k, v in cfg.items() if str(v).startswith('http')}
    file = entry(WEIGHTS, name)
    assert bool(urls) == bool(file) == ('Target network' in doc)
    for key, url in urls.items():
        assert url.endswith(f'/target_generator_ckpt/{file}')
        assert f'    {url}\n' in doc
        assert f'--cfg-options \\\n    {key}=PATH' in doc


@pytest.mark.parametrize('name', PLUG_IN)
def test_config_check_passes(name):
    cfg = load(name)
    check_names(cfg)
    check_constructor_keys(cfg)


@pytest.mark.parametrize('name', PLUG_IN)
def test_every_norm_layer_has_its_twin(name):
    _, model = built(name)
    norm = re.compile(r'(Layer|(Sync)?Batch)Norm\w*')

    def norms(module):
        return {
            key: type(part)
            for key, part in module.named_modules(remove_duplicate=False)
            if norm.fullmatch(type(part).__name__.removeprefix('Sparse'))
        }

    mine = {
        key: kind
        for key, kind in norms(model).items()
        if not key.startswith(('adv.', 'teacher.', 'target_generator.'))
    }
    assert norms(model.adv) == mine
    assert len(mine) == entry(NORMS, name)
    clean = dict(model.named_parameters())
    for key, twin in model.adv.named_parameters():
        assert twin.shape == clean[key].shape


@pytest.mark.parametrize('name', PLUG_IN)
def test_a_twin_is_optimised_as_its_clean_parameter(name):
    cfg, model = built(name)
    found = optimizer_groups(cfg, model)
    twins = [key for key in found if key.startswith('adv.')]
    # Weight and bias each.
    assert len(twins) == 2 * entry(NORMS, name)
    for twin in twins:
        assert found[twin] == found[twin.removeprefix('adv.')], twin
    # Frozen: neither the target network nor a teacher is in any group.
    assert not any(
        k.startswith(('target_generator', 'teacher')) for k in found
    )


@pytest.mark.parametrize('name', PLUG_IN)
def test_the_same_under_layer_decay(name):
    cfg, model = built(name)
    custom = cfg.optim_wrapper.paramwise_cfg.get('custom_keys', {})
    found = optimizer_groups(
        cfg,
        model,
        constructor='LearningRateDecayOptimWrapperConstructor',
        paramwise_cfg=dict(
            layer_decay_rate=0.5, norm_decay_mult=0.0, custom_keys=custom
        ),
    )
    twins = [key for key in found if key.startswith('adv.')]
    assert len(twins) == 2 * entry(NORMS, name)
    for twin in twins:
        assert found[twin] == found[twin.removeprefix('adv.')], twin
    # HiViT's method looks for `layers`, but they are `blocks`: only the patch
    # embedding has a depth of its own.
    rates = {found[key][0] for key in twins if '.backbone.' in key}
    assert (len(rates) > 2) == ('hivit' not in name)


@pytest.mark.parametrize(
    'name', [name for name in PLUG_IN if not entry(NO_META_STEP, name)]
)
def test_one_step_at_the_real_size(name):
    cfg, model = built(name)
    with torch.device('meta'):
        losses = model.loss(*meta_batch(cfg))
    kinds = {key for key in losses if 'loss' in key}
    assert any(key.endswith('_clean') for key in kinds)
    assert {key.replace('_clean', '_adv') for key in kinds} <= kinds
    assert all(losses[key].shape == () for key in kinds)
