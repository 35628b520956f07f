# Copyright (c) aemim_mm contributors. All rights reserved.
"""The plug-in configs: three lines each over a stock config of mmpretrain."""

import ast
import functools
import os
import re

import pytest
import tiny_run
import torch
from mmengine import Config
from mmengine.hub import get_config
from mmpretrain.models.selfsup import milan
from test_configs.config_tools import (
    EVERY,
    PLUG_IN,
    ROOT,
    build_full_size,
    check_twins,
    differences,
    docstring,
    flatten,
    load,
    meta_batch,
)

from aemim_mm.config_check import (
    check_constructor_keys,
    check_names,
)
from aemim_mm.core.dropout import active_dropout

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
    'milan': {
        'model.neck.embed_dim': (None, 768),
        # Its learning rate is written for 4096 images.
        'auto_scale_lr.base_batch_size': (2048, 4096),
    },
}
# Stock does not say what batch its learning rate is written for.
NO_BASE_BATCH = ('spark',)
# These index by their mask or move it to the default device, which needs
# real numbers.
NO_META_STEP = dict.fromkeys(('beit', 'cae', 'itpn-clip', 'spark'), True)


def stock_name(name):
    """What stands behind ``_base_ = 'mmpretrain::``."""
    for node in ast.parse((ROOT / 'configs' / name).read_text()).body:
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
    doc = docstring(name)
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
    drops = active_dropout(model.backbone.modules())
    assert ('drop_path_rate' in doc) == bool(drops)
    most = '11/3x' if drops else '10/3x'
    prose = ' '.join(doc.split())
    assert (
        'Cost of a step relative to the stock recipe, by operation count: '
        f'between 2x and {most}, the more the larger' in prose
    )
    assert ('encoder pass of it for DropPath' in prose) == bool(drops)
    left_out = 'both run once, (is|are) left out'
    assert bool(re.search(left_out, prose)) == bool(entry(WEIGHTS, name))
    if drops:
        rate = float(re.search(r'drop_path_rate is ([\d.]+\d)', doc)[1])
        assert max(drop.drop_prob for drop in drops) == pytest.approx(rate)


@pytest.mark.parametrize('name', PLUG_IN)
def test_docstring_says_where_weights_come_from(name):
    doc = docstring(name)
    cfg = leaves(built(name)[0])
    urls = {k: v for k, v in cfg.items() if str(v).startswith('http')}
    file = entry(WEIGHTS, name)
    assert bool(urls) == bool(file) == ('Target network' in doc)
    for key, url in urls.items():
        assert url.endswith(f'/target_generator_ckpt/{file}')
        assert f'    {url}\n' in doc
        assert f'--cfg-options \\\n    {key}=PATH' in doc


@pytest.mark.parametrize('name', PLUG_IN)
def test_batch_that_the_learning_rate_is_written_for(name, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')  # parse_args sets it
    cfg = load(name)
    gpus, batch = map(int, re.search(r'_(\d+)xb(\d+)', name).groups())
    assert cfg.train_dataloader.batch_size == batch
    none = name.rpartition('aemim-')[2].startswith(NO_BASE_BATCH)
    assert ('auto_scale_lr' not in cfg) == none
    doc = docstring(name)
    assert ('auto_scale_lr.enable=True' in doc) == none
    if none:
        # The header's options do what --auto-scale-lr does elsewhere.
        options = re.findall(r'auto_scale_lr\.\w+=\w+', doc)
        train = tiny_run.load_tool('train')
        args = train.parse_args([name, '--cfg-options', *options])
        assert train.merge_args(cfg, args).auto_scale_lr.enable is True
    assert cfg.auto_scale_lr.base_batch_size == gpus * batch


@pytest.mark.parametrize('name', PLUG_IN)
def test_docstring_says_where_the_list_of_images_is(name):
    dataset = load(name).train_dataloader.dataset
    listed = bool(dataset.get('ann_file'))
    doc = docstring(name)
    assert ('meta/train.txt' in doc) == listed
    option = '    --cfg-options train_dataloader.dataset.ann_file=\n'
    assert (option in doc) == listed
    if listed:
        path = os.path.join(dataset.data_root, dataset.ann_file)
        assert path in doc and f'{dataset.data_root}train/ ' in doc
        assert dataset.data_prefix == dict(img_path='train/')


def test_the_table_of_the_docs():
    text = (ROOT / 'docs/configs.md').read_text()
    section = text.partition('## AEMIM over every method')[2]
    rows = {}
    for line in section.partition('\n## ')[0].splitlines():
        if line.startswith('| `aemim-'):
            name, *cells = (cell.strip() for cell in line.split('|')[1:-1])
            rows[name.strip('`')] = cells
    expected = {}
    weights = {'dalle': 'DALL-E', 'vqkd': 'VQ-KD', 'clip': 'CLIP', None: '-'}
    for path in PLUG_IN:
        cfg, model = built(path)
        name = path.rpartition('/')[2]
        gpus, batch = re.search(r'_(\d+)xb(\d+)', name).groups()
        file = entry(WEIGHTS, name)
        extra = [
            '`auto_scale_lr`'
            if key.startswith('auto_scale_lr')
            # model.neck.type: `neck.type`
            else f'`{key.removeprefix("model.")}`'
            for key in entry(FOURTH_LINE, name) or ()
        ]
        expected[name] = [
            f'`{stock_name(path).partition("/")[0]}/`',
            f'{gpus} x {batch}',
            weights[file and file.partition('_')[0]],
            'yes' if cfg.train_dataloader.dataset.get('ann_file') else 'no',
            ', '.join(extra) or '-',
            str(cfg.resume),
            '11/3x' if active_dropout(model.backbone.modules()) else '10/3x',
        ]
    assert rows == expected


@pytest.mark.parametrize('name', PLUG_IN)
def test_the_block_of_the_docs_brings_the_hooks(name):
    page = (ROOT / 'docs/plug_in.md').read_text()
    block = re.search(r'```python\n(_base_ = \[.*?)```', page, re.S)[1]
    assert block.count('mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py')
    block = re.sub(
        r'mmpretrain::[^\']+', f'mmpretrain::{stock_name(name)}', block
    )
    block = re.sub(
        r"'[^']+/run_hooks.py'", f"'{ROOT}/configs/_base_/run_hooks.py'", block
    )
    method = load(name).model.method
    cfg = Config.fromstring(
        block.replace("method='MAE'", f'method={method!r}'), '.py'
    )
    assert [hook.type for hook in cfg.custom_hooks] == [
        'EpochSeedHook',
        'NonFiniteLossHook',
        'CheckpointFitHook',
        'RecipeInfoHook',
        'RunOriginHook',
    ]
    assert cfg.default_hooks.checkpoint.type == 'AtomicCheckpointHook'
    loader = cfg.train_dataloader
    assert loader.dataset.pipeline[0].type == 'LoadImageOrSkip'
    assert loader.collate_fn == dict(type='default_collate')
    check_names(cfg)
    check_constructor_keys(cfg)
    # Nothing else of the stock recipe is changed.
    stock = get_config(f'mmpretrain::{stock_name(name)}')
    found = differences(leaves(stock), leaves(cfg))
    assert {key.partition('.')[0] for key in found} <= {
        *('model', 'custom_imports', 'custom_hooks', 'default_hooks'),
        *('train_pipeline', 'train_dataloader', 'randomness'),
    }
    changed = {key for key in found if key.startswith('train_dataloader')}
    assert changed <= {
        'train_dataloader.dataset.pipeline.0.type',
        'train_dataloader.persistent_workers',
        'train_dataloader.worker_init_fn.type',
    }


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
    # Weight and bias each.
    found = check_twins(cfg, model, 2 * entry(NORMS, name))
    # Frozen: neither the target network nor a teacher is in any group.
    assert not any(
        k.startswith(('target_generator', 'teacher')) for k in found
    )


@pytest.mark.parametrize('name', PLUG_IN)
def test_the_same_under_layer_decay(name):
    cfg, model = built(name)
    custom = cfg.optim_wrapper.paramwise_cfg.get('custom_keys', {})
    found = check_twins(
        cfg,
        model,
        2 * entry(NORMS, name),
        constructor='LearningRateDecayOptimWrapperConstructor',
        paramwise_cfg=dict(
            layer_decay_rate=0.5, norm_decay_mult=0.0, custom_keys=custom
        ),
    )
    # HiViT's method looks for `layers`, but they are `blocks`: only the patch
    # embedding has a depth of its own.
    rates = {
        rate for key, (rate, _) in found.items() if 'adv.backbone.' in key
    }
    assert (len(rates) > 2) == ('hivit' not in name)


@pytest.mark.slow
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
