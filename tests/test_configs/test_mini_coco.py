# Copyright (c) aemim_mm contributors. All rights reserved.
"""The small detection example: both recipes on data of its tool."""

import copy

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from test_configs.config_tools import load, optimizer_groups

from aemim_mm.datasets._mini_coco_scenes import CLASSES
from aemim_mm.datasets.mini_coco import write_mini_coco

mmdet = pytest.importorskip('mmdet.registry')
pytest.importorskip('skimage')

pytestmark = pytest.mark.det
PRETRAIN = 'pretrain/aemim_vit-tiny-p16_1xb8-coslr-200e_mini-coco.py'
DETECT = 'coco/mask-rcnn_vit-tiny-p16_plain-fpn_1xb2-100e_mini-coco.py'
# What the metric reads of an image besides the predictions.
META = ('img_id', 'ori_shape', 'img_shape', 'scale_factor')


@pytest.fixture(scope='module')
def mini_coco(tmp_path_factory):
    root = tmp_path_factory.mktemp('mini_coco')
    write_mini_coco(str(root), num_train=2, num_val=1)
    return root


def build_detector(cfg):
    model = copy.deepcopy(cfg.model)
    model.backbone.init_cfg = None
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        detector = mmdet.MODELS.build(model)
        detector.init_weights()
    return detector


def dataset(cfg, phase, root):
    settings = copy.deepcopy(cfg[f'{phase}_dataloader'].dataset)
    assert settings.data_root == 'data/mini_coco/'
    settings.data_root = str(root)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return mmdet.DATASETS.build(settings)


def test_pretraining_reads_the_images_and_steps(mini_coco):
    cfg = load(PRETRAIN)
    loader = copy.deepcopy(cfg.train_dataloader)
    assert loader.dataset.data_root == 'data/mini_coco/'
    loader.dataset.data_root = str(mini_coco)
    loader.update(batch_size=2)
    batch = next(iter(Runner.build_dataloader(loader, seed=0)))
    names = {s.img_path.rpartition('/')[2] for s in batch['data_samples']}
    assert names == {'000000000001.jpg', '000000000002.jpg'}
    assert batch['inputs'].shape == (2, 3, 160, 160)

    torch.manual_seed(0)
    model = MODELS.build(
        dict(cfg.model, data_preprocessor=cfg.data_preprocessor)
    )
    model.init_weights()
    model.train()
    losses = model(
        **model.data_preprocessor(batch, training=True), mode='loss'
    )
    assert losses['distance_end'] > losses['distance_start'] > 0
    loss, _ = model.parse_losses(losses)
    loss.backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad.abs().sum() > 0, name


def test_detection_starts_from_what_pretraining_leaves(tmp_path):
    """Every key of the detector's backbone, bit by bit."""
    cfg, recipe = load(DETECT), load(PRETRAIN)
    name = PRETRAIN.rpartition('/')[2].removesuffix('.py')
    file = f'epoch_{recipe.train_cfg.max_epochs}.pth'
    init_cfg = cfg.model.backbone.init_cfg
    assert init_cfg.checkpoint == f'work_dirs/{name}/{file}'
    assert init_cfg.prefix == 'backbone.'
    pretrained = MODELS.build(
        dict(recipe.model, data_preprocessor=recipe.data_preprocessor)
    )
    with torch.no_grad():
        for parameter in pretrained.parameters():
            parameter.normal_()
    init_cfg.checkpoint = str(tmp_path / file)
    torch.save({'state_dict': pretrained.state_dict()}, init_cfg.checkpoint)
    with DefaultScope.overwrite_default_scope('mmdet'):
        detector = mmdet.MODELS.build(cfg.model)
        detector.init_weights()
    theirs = pretrained.backbone.state_dict()
    ours = detector.backbone.state_dict()
    assert len(ours) == 148
    # The final norm is not applied.
    assert theirs.keys() - ours.keys() == {'ln1.weight', 'ln1.bias'}
    for key, value in ours.items():
        assert torch.equal(value, theirs[key]), key


def test_detection_trains_every_parameter_and_predicts(mini_coco):
    cfg = load(DETECT)
    detector = build_detector(cfg)
    images = dataset(cfg, 'train', mini_coco)
    assert images.metainfo['classes'] == CLASSES
    data = detector.data_preprocessor(
        pseudo_collate([images[0], images[1]]), training=True
    )
    # Nothing is augmented: the pictures as they are.
    assert data['inputs'].shape == (2, 3, 160, 224)
    detector.train()
    loss, values = detector.parse_losses(detector(**data, mode='loss'))
    assert {'loss_rpn_cls', 'loss_bbox', 'loss_mask'} <= set(values)
    loss.backward()
    for name, parameter in detector.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name
    groups = optimizer_groups(cfg, detector)
    lr = cfg.optim_wrapper.optimizer.lr
    assert groups['roi_head.mask_head.conv_logits.weight'] == (lr, 0.05)
    assert groups['backbone.cls_token'] == (pytest.approx(lr * 0.75**13), 0)

    detector.eval()
    held_out = dataset(cfg, 'test', mini_coco)
    data = detector.data_preprocessor(pseudo_collate([held_out[0]]))
    with torch.no_grad():
        (sample,) = detector(**data, mode='predict')
    found = sample.pred_instances
    assert len(found) <= 20
    assert found.masks.shape[1:] == (160, 224)
    assert set(found.labels.tolist()) <= {0, 1, 2}


@pytest.mark.parametrize(
    'phase, split, num', [('val', 'train2017', 2), ('test', 'val2017', 1)]
)
def test_the_truth_scores_one(mini_coco, phase, split, num):
    """Data and evaluator of a phase agree: validation is on train2017."""
    cfg = load(DETECT)
    images = dataset(cfg, phase, mini_coco)
    assert len(images) == num
    evaluator = copy.deepcopy(cfg[f'{phase}_evaluator'])
    file = f'annotations/instances_{split}.json'
    assert evaluator.ann_file == f'data/mini_coco/{file}'
    evaluator.ann_file = str(mini_coco / file)
    with DefaultScope.overwrite_default_scope('mmdet'):
        metric = mmdet.METRICS.build(evaluator)
    metric.dataset_meta = images.metainfo
    for i in range(num):
        sample = images[i]['data_samples']
        assert f'/{split}/' in sample.img_path
        truth = sample.gt_instances
        predicted = dict(
            bboxes=truth.bboxes.tensor,
            labels=truth.labels,
            scores=torch.ones(len(truth)),
            masks=torch.as_tensor(truth.masks.masks.astype(np.bool_)),
        )
        metric.process(
            {},
            [
                dict(
                    pred_instances=predicted,
                    **{key: sample.metainfo[key] for key in META},
                )
            ],
        )
    scores = metric.evaluate(size=num)
    for kind in ('bbox', 'segm'):
        assert scores[f'coco/{kind}_mAP_50'] == 1
        assert scores[f'coco/{kind}_mAP'] == 1
