# Copyright (c) aemim_mm contributors. All rights reserved.
"""The data of every shipped config, through its real pipeline."""

import copy

import numpy as np
import pytest
import torch
from fashion_mnist_files import idx
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, MODELS
from PIL import Image
from test_configs.config_tools import (
    FASHION,
    IN1K,
    SHIPPED,
    distinct,
    load,
    view_sizes,
)

# Where pre-training has images not 224 wide, or several views of each.
SIZES = {
    'simmim': [192],
    'beit': [224, 112],
    'cim': [224, 112],
    'mocov3': [224, 224],
}


def first_batch(dataloader, data_root, **options):
    """The first batch of the real dataloader, small and in one process."""
    dataloader = copy.deepcopy(dataloader)
    assert dataloader.dataset.data_root.startswith('data/')
    dataloader.dataset.data_root = str(data_root)
    dataloader.update(batch_size=4, num_workers=0, **options)
    # The mark of a foreign base; tools/train.py takes it away, too.
    dataloader.collate_fn.pop('_scope_', None)
    return next(iter(Runner.build_dataloader(dataloader, seed=0)))


@pytest.fixture
def imagenet(tmp_path):
    for i in range(4):
        folder = tmp_path / 'train' / f'n{i % 2:08}'
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.randint(0, 256, (240, 300, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f'{i}.JPEG')
    return tmp_path


@pytest.mark.parametrize('name', distinct(IN1K, 'train_dataloader'))
def test_imagenet_pipeline(name, imagenet):
    cfg = load(name)
    train = copy.deepcopy(cfg.train_dataloader)
    assert DATASETS.get(train.dataset.type).__name__ == 'ImageNet'
    # The two folders here are not the 1000 classes.
    train.dataset.metainfo = dict(classes=('a', 'b'))
    batch = first_batch(train, imagenet)
    pixels = batch['inputs']
    pixels = [pixels] if isinstance(pixels, torch.Tensor) else pixels
    sizes = [s for part, s in SIZES.items() if part in name]
    if name.startswith('finetune/') or not sizes:
        sizes = [[224]]
    assert view_sizes(cfg) == sizes[0]
    assert [v.shape for v in pixels] == [(4, 3, s, s) for s in sizes[0]]
    assert pixels[0].dtype == torch.uint8
    if 'simmim' in name:  # 60 % of 6 x 6, each 8 x 8 patches of the model
        masks = [sample.mask for sample in batch['data_samples']]
        assert {int(mask.sum()) for mask in masks} == {22 * 64}
    cfg.data_preprocessor.setdefault('type', 'ClsDataPreprocessor')
    preprocessor = MODELS.build(cfg.data_preprocessor)
    images = preprocessor(batch, training=True)['inputs']
    images = images if len(pixels) > 1 else [images]
    # BGR pixels in, RGB out, mean and std in 0-255 units.
    mean, std = 123.675, 58.395
    if name.startswith('finetune/beit'):
        mean = std = 127.5
    red = (pixels[0][:, 2].float() - mean) / std
    torch.testing.assert_close(images[0][:, 0], red)


@pytest.fixture
def fashion_mnist(tmp_path):
    """Four files in the original format; training images are dark."""
    for part, value in (('train', 10), ('t10k', 200)):
        images = np.full((4, 28, 28), value, np.uint8)
        labels = np.arange(4, dtype=np.uint8)
        for kind, array in (('images-idx3', images), ('labels-idx1', labels)):
            (tmp_path / f'{part}-{kind}-ubyte').write_bytes(idx(array))
    return tmp_path


@pytest.mark.parametrize(
    # An ablation differs from its base by a value of the attack.
    'name',
    [name for name in FASHION if '/ablations/' not in name],
)
def test_fashion_mnist_pipeline_and_one_step(name, fashion_mnist):
    cfg = load(name)
    batch = first_batch(cfg.train_dataloader, fashion_mnist)
    views = batch['inputs']
    views = [views] if isinstance(views, torch.Tensor) else views
    assert len(views) == len(view_sizes(cfg))
    for view in views:
        assert view.shape == (4, 1, 28, 28)
        # Dark pixels, and the black border where a crop reaches over the edge.
        assert set(view.unique().tolist()) <= {0, 10}
    model = copy.deepcopy(cfg.model)
    model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model.backbone.pop('init_cfg', None)
    model = MODELS.build(model)
    model.init_weights()
    model.train()
    data = model.data_preprocessor(batch, training=True)
    images = data['inputs']
    first = images if len(views) == 1 else images[0]
    expected = (views[0].float() - 72.94) / 90.02
    torch.testing.assert_close(first, expected)
    if len(views) > 1:  # of the tokenizer
        torch.testing.assert_close(images[1], views[1].float() / 255)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    assert torch.isfinite(loss)
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key


@pytest.mark.parametrize('split', ['val', 'test'])
def test_evaluation_reads_the_test_images(split, fashion_mnist):
    cfg = load('finetune/vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py')
    batch = first_batch(cfg[f'{split}_dataloader'], fashion_mnist)
    assert batch['inputs'].unique().tolist() == [200]
    labels = [int(sample.gt_label) for sample in batch['data_samples']]
    assert labels == [0, 1, 2, 3]


@pytest.mark.parametrize('name', SHIPPED)
def test_training_data_can_be_resumed(name):
    loader = load(name).train_dataloader
    assert loader.persistent_workers is False
    assert loader.worker_init_fn == dict(type='seed_worker')
