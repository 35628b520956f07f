# Copyright (c) aemim_mm contributors. All rights reserved.
"""Pre-trained encoders in the detection configs: weights, sizes, memory."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from states import randomised
from test_configs.config_tools import load
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

pytest.importorskip('mmdet')

from test_configs.coco_tools import (  # noqa: E402
    ARCH,
    BEIT,
    PLAIN,
    build,
    shrink,
)

from aemim_mm.checkpoints import read_checkpoint  # noqa: E402
from aemim_mm.checkpoints.fit import (  # noqa: E402
    fit_checkpoint,
    state_dict_of,
)

pytestmark = pytest.mark.det
ENCODERS = pytest.mark.parametrize(
    'kind', ['VisionTransformer', 'DualNormViT']
)
SMALL = 'pretrain/aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'
TINY = 'pretrain/aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'


def save_aemim(name, file):
    """What a pre-training with a shipped config leaves; random weights."""
    cfg = load(name)
    # It downloads its weights, which are no part of the encoder.
    cfg.model.pop('target_generator', None)
    cfg.model.data_preprocessor = cfg.data_preprocessor
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1)
    torch.save(dict(state_dict=model.state_dict()), file)
    return {
        key.removeprefix('backbone.'): value
        for key, value in model.state_dict().items()
        if key.startswith('backbone.')
    }


def as_encoder(backbone, kind):
    """The config of a detection backbone for one of the two classes."""
    backbone = copy.deepcopy(backbone)
    backbone.type = f'mmpretrain.{kind}'
    if kind == 'DualNormViT':
        backbone.mask_ratio = 0.0
        channels = backbone.pop('in_channels', 3)
        backbone.patch_cfg = dict(in_channels=channels)
    return backbone


def random_encoder(kind, **options):
    """A small encoder of the detection configs with random weights."""
    backbone = as_encoder(load(PLAIN).model.backbone, kind)
    backbone.update(arch=dict(ARCH), init_cfg=None, drop_path_rate=0.0)
    model = MODELS.build({**backbone, **options})
    return randomised(model, vectors=1)


@pytest.fixture(scope='module')
def vit_small(tmp_path_factory):
    """A checkpoint of ViT-S/16 and what it has of the encoder."""
    file = str(tmp_path_factory.mktemp('aemim') / 'aemim.pth')
    return file, save_aemim(SMALL, file)


@ENCODERS
def test_a_vit_small_checkpoint_loads_all_its_keys(kind, vit_small):
    file, saved = vit_small
    backbone = as_encoder(load(PLAIN).model.backbone, kind)
    backbone.init_cfg.checkpoint = file
    model = MODELS.build(backbone)
    model.init_weights()
    loaded = model.state_dict()
    assert len(loaded) == 148
    # The four maps are taken before the last norm.
    assert saved.keys() - loaded.keys() == {'ln1.weight', 'ln1.bias'}
    for key, value in loaded.items():
        assert torch.equal(value, saved[key]), key


@pytest.mark.parametrize(
    'recipe',
    [
        'pretrain/beit_beit-small-p16_8xb256-amp-coslr-300e_in1k.py',
        'pretrain/plug_in/'
        'aemim-beitv2_beit-base-p16_8xb256-amp-coslr-300e_in1k.py',
    ],
)
def test_a_beit_checkpoint_loads_all_its_keys(recipe, tmp_path):
    file = str(tmp_path / 'beit.pth')
    saved = save_aemim(recipe, file)
    size = 'small' if 'beit-small' in recipe else 'base'
    backbone = load(BEIT.replace('small', size)).model.backbone
    backbone.init_cfg.checkpoint = file
    model = MODELS.build(backbone)
    # What CheckpointFitHook asks before the first step.
    fit = fit_checkpoint(
        model, state_dict_of(read_checkpoint(file), 'backbone.')
    )
    assert (str(fit), fit.surplus) == ('207 of 207 keys', ())
    # The four maps are taken before the last norm, if there is one.
    assert set(fit.unexpected) <= {'mask_token', 'ln1.weight', 'ln1.bias'}
    model.init_weights()
    shared = saved['rel_pos_bias.relative_position_bias_table']
    for key, value in model.state_dict().items():
        if key.endswith('bias_table'):
            assert torch.equal(value, shared), key
        elif not key.endswith('_index'):
            assert torch.equal(value, saved[key]), key


@ENCODERS
def test_a_fashion_mnist_checkpoint_loads_in_a_detector(kind, tmp_path):
    file = str(tmp_path / 'aemim.pth')
    saved = save_aemim(TINY, file)
    cfg = shrink(load(PLAIN))
    theirs = load(TINY).model.backbone
    cfg.model.backbone.update(
        arch=theirs.arch,
        img_size=theirs.img_size,
        patch_size=theirs.patch_size,
        in_channels=1,
        out_indices=[0, 1, 2, 3],
        init_cfg=dict(type='Pretrained', checkpoint=file, prefix='backbone.'),
    )
    cfg.model.backbone = as_encoder(cfg.model.backbone, kind)
    cfg.model.data_preprocessor.update(mean=[72.9], std=[90.0])
    cfg.model.data_preprocessor.bgr_to_rgb = False
    width = theirs.arch['embed_dims']
    cfg.model.neck[0].in_channels = width
    cfg.model.neck[1].in_channels = [width] * 4
    detector = build(cfg)
    detector.init_weights()
    loaded = detector.backbone.state_dict()
    assert len(loaded) == 52
    assert saved.keys() - loaded.keys() == {'ln1.weight', 'ln1.bias'}
    for key, value in loaded.items():
        assert torch.equal(value, saved[key]), key
    detector.train()
    maps = detector.extract_feat(torch.randn(2, 1, 45, 66))
    assert [tuple(m.shape[-2:]) for m in maps] == [
        (48, 68),
        (24, 34),
        (12, 17),
        (6, 8),
        (3, 4),
    ]


@ENCODERS
def test_only_the_position_embedding_of_the_dual_norm_vit_is_fixed(kind):
    model = random_encoder(kind)
    fixed = [k for k, p in model.named_parameters() if not p.requires_grad]
    assert fixed == ([] if kind == 'VisionTransformer' else ['pos_embed'])


@ENCODERS
@pytest.mark.parametrize('size', [(333, 500), (224, 224), (160, 75)])
def test_maps_at_real_sizes_by_hand(kind, size):
    """Zeros at the bottom and right, and a resized position embedding."""
    model = random_encoder(kind)
    model.train()
    x = torch.randn(1, 3, *size)
    rows, columns = (-(-side // 16) for side in size)
    padded = F.pad(x, (0, columns * 16 - size[1], 0, rows * 16 - size[0]))
    tokens = model.patch_embed.projection(padded).flatten(2).mT
    grid = model.pos_embed[:, 1:].mT.reshape(1, -1, 14, 14)
    if (rows, columns) != (14, 14):
        grid = F.interpolate(
            grid, (rows, columns), mode='bicubic', align_corners=False
        )
    y = torch.cat(
        [
            model.cls_token + model.pos_embed[:, :1],
            tokens + grid.flatten(2).mT,
        ],
        dim=1,
    )
    expected = []
    for index, layer in enumerate(model.layers):
        y = layer(y)
        if index in (3, 5, 7, 11):
            expected.append(y[:, 1:].mT.reshape(1, -1, rows, columns))
    found = model(x)
    assert isinstance(found, tuple) and len(found) == 4
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == (1, 16, rows, columns)
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_both_encoders_agree_at_an_odd_size():
    plain = random_encoder('VisionTransformer')
    ours = random_encoder('DualNormViT')
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 90, 200)
    for a, b in zip(plain(x), ours(x), strict=True):
        assert torch.equal(a, b)


@ENCODERS
def test_a_grid_of_another_shape_is_resized_once_at_the_load(kind):
    square = random_encoder(kind)
    wide = random_encoder(kind, img_size=(96, 160))
    wide.load_state_dict(square.state_dict())
    assert wide.pos_embed.shape == (1, 1 + 6 * 10, 16)
    assert torch.equal(wide.pos_embed[:, 0], square.pos_embed[:, 0])
    x = torch.randn(1, 3, 96, 160)
    for a, b in zip(wide(x), square(x), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


class SquareMaps(TorchDispatchMode):
    """Collects operators that make a map of all tokens by all tokens."""

    def __init__(self, tokens):
        super().__init__()
        self.tokens, self.found, self.calls = tokens, set(), set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls.add(str(func))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor) and leaf.ndim >= 2:
                if min(leaf.shape[-2:]) >= self.tokens:
                    self.found.add(str(func))
        return out


@ENCODERS
def test_no_attention_map_is_made_at_800_by_1333(kind):
    model = random_encoder(kind, out_indices=[3, 5])
    model.layers = model.layers[:6]
    with SquareMaps(50 * 84 + 1) as watch:
        maps = model(torch.randn(1, 3, 800, 1333))
        sum(m.square().mean() for m in maps).backward()
    assert maps[0].shape[-2:] == (50, 84)
    assert not watch.found
    assert any('scaled_dot_product' in name for name in watch.calls)
    assert any(
        'scaled_dot_product' in name and 'backward' in name
        for name in watch.calls
    )


def test_the_watch_sees_a_map_that_is_made():
    model = random_encoder('VisionTransformer')
    with sdpa_kernel(SDPBackend.MATH), SquareMaps(2 * 3 + 1) as watch:
        model(torch.randn(1, 3, 32, 48))
    assert any('softmax' in name for name in watch.found)
