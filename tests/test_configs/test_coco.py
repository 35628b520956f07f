# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the detection configs say, and what mmengine builds from them."""

import ast
import copy
import re

import numpy as np
import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS, DefaultScope
from test_configs.config_tools import (
    COCO,
    ROOT,
    differences,
    load,
    optimizer_groups,
)

HOOKS = pytest.importorskip('mmdet.registry').HOOKS

from test_configs.coco_tools import (  # noqa: E402
    CAE,
    COCO_1X,
    PLAIN,
    build_on_meta,
    in_mmdet,
)

from aemim_mm.config_check import (  # noqa: E402
    check_constructor_keys,
    check_names,
)

pytestmark = pytest.mark.det

# Base learning rate, its decay per layer, drop path, width, epochs of the
# pre-training that the config starts from.
SIZES = {
    'small': (2e-3, 0.75, 0.1, 384, 300),
    'base': (3e-3, 0.65, 0.2, 768, 800),
}
# The paper's AP of boxes and masks for that pre-training.
AP = {
    ('vit', 'small'): '40.4 / 36.5',
    ('vit', 'base'): '48.7 / 43.0',
    ('beit', 'small'): '35.6 / 32.6',
    ('beit', 'base'): '35.6 / 32.6',
}


def size_of(name):
    return re.search('it-(small|base)-p16', name)[1]


def encoder_of(name):
    return re.search('_(vit|beit)-', name)[1]


def test_six_recipes():
    assert COCO_1X == [
        f'coco/mask-rcnn_{encoder}-p16_{head}-fpn_8xb2-amp-1x_coco.py'
        for encoder, *heads in (
            ('beit-base', 'cae'),
            ('beit-small', 'cae'),
            ('vit-base', 'cae', 'plain'),
            ('vit-small', 'cae', 'plain'),
        )
        for head in heads
    ]


@pytest.mark.parametrize('name', COCO_1X)
def test_docstring_says_what_it_is(name):
    source = (ROOT / 'configs' / name).read_text()
    doc = ast.get_docstring(ast.parse(source))
    assert 'Table 7' in doc and 'not run at scale here' in doc
    assert AP[encoder_of(name), size_of(name)] in doc
    assert 'model.backbone.init_cfg.checkpoint=PATH' in doc
    command = doc.partition('Command::\n')[2].split()
    assert command == ['tools/dist_train.sh', '\\', f'configs/{name}', '8']
    lr = load(name).optim_wrapper.optimizer.lr
    # With the other reading of the paper's number.
    assert f'batch / 256 = {lr * 1e4:g}e-4' in doc
    assert f'optimizer.lr={SIZES[size_of(name)][0] * 1e3:g}e-4' in doc


@pytest.mark.parametrize('name', COCO)
def test_scope_imports_and_the_check_of_the_config(name):
    cfg = load(name)
    assert cfg.default_scope == 'mmdet'
    assert cfg.custom_imports['imports'] == ['aemim_mm']
    assert cfg.randomness['diff_rank_seed'] is True
    assert cfg.train_dataloader.persistent_workers is False
    assert cfg.train_dataloader.worker_init_fn == dict(type='seed_worker')
    check_constructor_keys(cfg)


@pytest.mark.parametrize('name', COCO)
def test_hooks_build(name):
    cfg = load(name)
    hooks = dict(cfg.default_hooks)
    # It needs the run's visualizer.
    assert hooks.pop('visualization').type == 'DetVisualizationHook'
    with in_mmdet():
        built = {
            type(HOOKS.build(copy.deepcopy(hook))).__name__
            for hook in [*hooks.values(), *cfg.custom_hooks]
        }
    assert {
        'AtomicCheckpointHook',
        'EpochSeedHook',
        'NonFiniteLossHook',
        'CheckpointFitHook',
        'RecipeInfoHook',
        'RunOriginHook',
    } <= built


@pytest.mark.parametrize('name', [CAE, PLAIN])
def test_every_top_level_name_is_read(name, warned):
    check_names(load(name))
    assert 'nothing reads it' not in ''.join(warned)


def test_a_misspelt_key_is_found():
    cfg = load(PLAIN)
    cfg.model.neck[0].in_channel = 384
    with pytest.raises(TypeError, match='"in_channel".*"in_channels"'):
        check_constructor_keys(cfg)


@pytest.mark.parametrize('name', COCO_1X)
def test_constants_of_the_recipe(name):
    cfg = load(name)
    base_lr, rate, drop, width, epochs = SIZES[size_of(name)]
    wrapper = cfg.optim_wrapper
    assert wrapper.type == 'AmpOptimWrapper'
    assert wrapper.loss_scale == 'dynamic'
    assert wrapper.optimizer == dict(
        type='AdamW',
        lr=pytest.approx(base_lr * 16 / 256),
        betas=(0.9, 0.999),
        weight_decay=0.05,
    )
    assert wrapper.paramwise_cfg.layer_decay_rate == rate
    assert cfg.train_dataloader.batch_size == 2
    assert cfg.auto_scale_lr == dict(enable=False, base_batch_size=16)
    backbone = cfg.model.backbone
    assert backbone.drop_path_rate == drop
    assert backbone.out_indices == [3, 5, 7, 11]
    assert cfg.model.neck[0].in_channels == width
    assert cfg.val_evaluator.metric == ['bbox', 'segm']
    # Where the recipe of the pre-training leaves its last checkpoint.
    file = backbone.init_cfg.checkpoint
    recipe = load(f'pretrain/{file.split("/")[1]}.py')
    assert file.split('/')[2] == f'epoch_{recipe.train_cfg.max_epochs}.pth'
    assert recipe.train_cfg.max_epochs == epochs
    assert (backbone.type, recipe.model.type) == {
        'vit': ('mmpretrain.VisionTransformer', 'AEMIMAlgorithm'),
        'beit': ('mmpretrain.ResizableBEiT', 'BEiT'),
    }[encoder_of(name)]
    # Both normalise alike.
    for key in ('mean', 'std'):
        assert (
            cfg.model.data_preprocessor[key] == (recipe.data_preprocessor[key])
        )


@pytest.mark.parametrize('size', SIZES)
def test_the_heads_differ_in_the_box_head_and_the_crops_alone(size):
    cae, plain = (
        load(name.replace('small', size)).to_dict() for name in (CAE, PLAIN)
    )
    pipelines = [
        cfg.pop('train_dataloader')['dataset'].pop('pipeline')
        for cfg in (cae, plain)
    ]
    for cfg in (cae, plain):
        for variable in ('train_pipeline', 'cae_bbox_head'):
            cfg.pop(variable, None)
    head = 'model.roi_head.bbox_head.'
    found = differences(plain, cae)
    assert {
        key.removeprefix(head): new for key, (_, new) in found.items()
    } == {
        'type': 'Shared4Conv1FCBBoxHead',
        'norm_cfg.type': 'SyncBN',
        'norm_cfg.requires_grad': True,
        'reg_decoded_bbox': True,
        'loss_bbox.type': 'GIoULoss',
        'loss_bbox.loss_weight': 10.0,
    }
    # Half of the images are resized, cropped and resized.
    whole, cropped = pipelines[0].pop(3)['transforms']
    assert whole == [pipelines[1].pop(3)] == [cropped[2]]
    assert cropped[1]['crop_size'] == (384, 600)
    assert pipelines[0] == pipelines[1]
    sides = [scale[0] for scale in whole[0]['scales']]
    assert sides == list(range(480, 801, 32))


@pytest.mark.parametrize('size', SIZES)
def test_beit_differs_in_the_encoder_alone(size):
    vit, beit = (
        load(CAE.replace('vit-small', f'{encoder}-{size}')).to_dict()
        for encoder in ('vit', 'beit')
    )
    found = differences(vit, beit)
    backbone = 'model.backbone.'
    assert found.keys() == {
        'pretrained',
        f'{backbone}type',
        f'{backbone}init_cfg.checkpoint',
    }


@pytest.mark.parametrize('name', COCO_1X)
def test_model_at_its_real_size(name):
    model = build_on_meta(load(name)).train()
    width = SIZES[size_of(name)][3]
    # mmdet's stock detector over the encoder, without its last norm
    encoder = sum(p.numel() for p in model.backbone.parameters())
    expected = {384: 21_665_664, 768: 85_798_656}[width] - 2 * width
    if encoder_of(name) == 'beit':
        # No position embedding, no bias of keys; per block a table of
        # 27 x 27 + 3 entries by heads of 64, and two layer scales.
        expected += 12 * (732 * width // 64 - width + 2 * width)
        expected -= 197 * width
    assert encoder == expected
    with torch.device('meta'):
        maps = model.extract_feat(torch.zeros(1, 3, 800, 1344))
    assert [tuple(m.shape) for m in maps] == [
        (1, 256, 200, 336),
        (1, 256, 100, 168),
        (1, 256, 50, 84),
        (1, 256, 25, 42),
        (1, 256, 13, 21),
    ]


@pytest.mark.parametrize('name', COCO_1X)
def test_learning_rates_of_all_parameters(name):
    cfg = load(name)
    model = build_on_meta(cfg)
    lr, rate, *_ = SIZES[size_of(name)]
    lr = lr * 16 / 256
    with in_mmdet():
        found = optimizer_groups(cfg, model)
    for key, (value, decay) in found.items():
        exponent = 13
        if not key.startswith('backbone.'):
            exponent = 0
        elif key.startswith('backbone.layers.'):
            exponent = 12 - int(key.split('.')[2])
        assert value == pytest.approx(lr * rate**exponent), key
        vector = model.get_parameter(key).ndim == 1
        spared = vector or key.endswith(('cls_token', 'pos_embed'))
        assert decay == (0 if spared else 0.05), key


def test_schedule():
    """Linear over 500 iterations from 1/1000, then steps after 9 and 11."""
    per_epoch = 600
    for name in COCO_1X:
        cfg = load(name)
        assert cfg.train_cfg.max_epochs == 12
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1)
        warming, steps = (
            PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimizer))
            for scheduler in cfg.param_scheduler
        )
        rates = []
        for _ in range(12):
            for _ in range(per_epoch):
                rates.append(optimizer.param_groups[0]['lr'])
                optimizer.step()
                warming.step()
            steps.step()
        assert rates[0] == pytest.approx(1e-3)
        assert rates[250] == pytest.approx(0.5, abs=0.01)
        assert rates[499] == pytest.approx(1)
        epochs = [rates[(epoch + 1) * per_epoch - 1] for epoch in range(12)]
        assert epochs == pytest.approx([1] * 9 + [0.1] * 2 + [0.01])


@pytest.mark.parametrize('name', [CAE, PLAIN])
def test_training_images_have_the_sizes_of_the_recipe(name):
    """Short sides of 480 to 800 in steps of 32, long ones up to 1333."""
    from mmdet.structures.mask import PolygonMasks
    from mmengine.dataset import Compose

    pipeline = load(name).train_dataloader.dataset.pipeline[2:-1]
    with DefaultScope.overwrite_default_scope('mmdet'):
        steps = Compose(pipeline)
    short, narrow = set(), False
    for _ in range(12):
        height, width = 240, 520
        polygon = np.array([10, 10, 500, 10, 500, 200, 10, 200])
        result = steps(
            dict(
                img=np.zeros((height, width, 3), dtype=np.uint8),
                img_shape=(height, width),
                gt_bboxes=_boxes([[10, 10, 500, 200]]),
                gt_bboxes_labels=np.zeros(1, dtype=np.int64),
                gt_ignore_flags=np.zeros(1, dtype=bool),
                gt_masks=PolygonMasks([[polygon]], height, width),
            )
        )
        sides = sorted(result['img'].shape[:2])
        assert sides[1] <= 1333
        short.add(sides[0])
        # The whole image has one ratio of its sides, a crop another.
        narrow |= abs(sides[1] / sides[0] - 520 / 240) > 0.02
    assert narrow == (name == CAE)
    # 520 / 240 allows short sides of up to 1333 / 520 * 240 = 615.
    if name == PLAIN:
        assert short <= {480, 512, 544, 576, 608, 615}
    assert len(short) > 2


def _boxes(values):
    from mmdet.structures.bbox import HorizontalBoxes

    return HorizontalBoxes(torch.tensor(values, dtype=torch.float32))
