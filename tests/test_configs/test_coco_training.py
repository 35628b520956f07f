# Copyright (c) aemim_mm contributors. All rights reserved.
"""Small versions of both detection recipes train, predict and are rated."""

import copy

import pytest
import torch
from mmengine.runner import Runner

pytest.importorskip('mmdet')

from mmdet.registry import DATASETS  # noqa: E402
from test_configs.coco_tools import (  # noqa: E402
    BEIT,
    CAE,
    PLAIN,
    SIZE,
    build,
    in_mmdet,
    tiny,
)

pytestmark = pytest.mark.det
HEADS = pytest.mark.parametrize('name', [CAE, PLAIN])


def dataset(cfg, phase):
    with in_mmdet():
        return DATASETS.build(
            copy.deepcopy(cfg[f'{phase}_dataloader'].dataset)
        )


def training_batch(cfg, model):
    """A batch through the config's pipeline and preprocessor."""
    data = dataset(cfg, 'train')
    items = [data[0], data[1]]
    batch = {key: [item[key] for item in items] for key in items[0]}
    return model.data_preprocessor(batch, training=True)


def gradients(model, batch):
    """The gradients of one step, from the same draws each time."""
    torch.manual_seed(1)
    model.zero_grad()
    losses = model(**copy.deepcopy(batch), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    return losses, {
        name: parameter.grad
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


@HEADS
@pytest.mark.parametrize('encoder', ['VisionTransformer', 'DualNormViT'])
def test_one_training_step(name, encoder, tmp_path):
    cfg = tiny(name, tmp_path)
    cfg.model.backbone.type = f'mmpretrain.{encoder}'
    if encoder == 'DualNormViT':
        cfg.model.backbone.mask_ratio = 0.0
    model = build(cfg)
    model.init_weights()
    model.train()
    batch = training_batch(cfg, model)
    sides = batch['inputs'].shape[-2:]
    assert sides[0] % 32 == 0 and sides[1] % 32 == 0
    assert sides[0] != sides[1]
    losses, found = gradients(model, batch)
    assert {'loss_rpn_cls', 'loss_cls', 'loss_bbox', 'loss_mask'} <= set(
        losses
    )
    for key, grad in found.items():
        assert grad is not None, key
        assert torch.isfinite(grad).all(), key
    # The class token is read by the patches; its last block is not.
    for key in ('backbone.cls_token', 'backbone.layers.11.attn.qkv.weight'):
        assert found[key].abs().max() > 0
    trains = encoder == 'VisionTransformer'
    assert ('backbone.pos_embed' in found) == trains


def test_one_training_step_of_beit(tmp_path):
    """At another size than that of its tables, all of which train."""
    cfg = tiny(BEIT, tmp_path)
    model = build(cfg)
    model.init_weights()
    model.train()
    _, found = gradients(model, training_batch(cfg, model))
    for key, grad in found.items():
        assert grad is not None, key
        assert torch.isfinite(grad).all(), key
    tables = [key for key in found if key.endswith('_bias_table')]
    assert len(tables) == 12
    for key in ('backbone.cls_token', *tables):
        assert found[key].abs().max() > 0, key


def test_a_plain_runner_trains_and_evaluates(tmp_path):
    """As mmdet's own tools do, without those of this repository."""
    cfg = tiny(CAE, tmp_path)
    cfg.work_dir = str(tmp_path / 'run')
    cfg.train_cfg.max_epochs = 1
    cfg.optim_wrapper.type = 'OptimWrapper'  # mixed precision asks for a GPU
    cfg.optim_wrapper.pop('loss_scale')
    cfg.activation_checkpointing = ['backbone.layers.0']
    cfg.experiment_name = tmp_path.name
    runner = Runner.from_cfg(cfg)
    before = copy.deepcopy(runner.model.state_dict())
    runner.train()
    log = runner.message_hub
    for kind in ('bbox', 'segm'):
        value = log.get_scalar(f'val/coco/{kind}_mAP').current()
        assert 0 <= value <= 1
    checkpoint = tmp_path / 'run' / 'epoch_1.pth'
    state = torch.load(checkpoint, weights_only=False)['state_dict']
    assert state.keys() == before.keys()
    for key in ('backbone.layers.0.attn.qkv.weight', 'neck.0.up2.weight'):
        assert not torch.equal(state[key], before[key])


@pytest.mark.parametrize('name', [CAE, PLAIN, BEIT])
def test_prediction(name, tmp_path):
    cfg = tiny(name, tmp_path)
    model = build(cfg)
    model.init_weights()
    model.eval()
    item = dataset(cfg, 'test')[0]
    batch = {key: [value] for key, value in item.items()}
    with torch.no_grad():
        (sample,) = model.test_step(batch)
    found = sample.pred_instances
    assert 0 < len(found) <= 100
    assert found.masks.shape == (len(found), *SIZE)
    assert found.masks.dtype == torch.bool
    assert ((found.scores >= 0.05) & (found.scores <= 1)).all()
    assert set(found.labels.tolist()) <= {0, 1}
    height, width = SIZE
    limits = torch.tensor([width, height, width, height])
    assert (found.bboxes >= 0).all() and (found.bboxes <= limits).all()
