# Copyright (c) aemim_mm contributors. All rights reserved.
"""The tiny models are what they stand for."""

import copy

import numpy as np
import pytest
import torch
from _mim_targets import ToyCLIP, ToyDALLE
from mim_toys import MEAN, METHODS, STD, batch, column
from mmpretrain.datasets.transforms import (
    BEiTMaskGenerator,
    PackInputs,
    SimMIMMaskGenerator,
)
from mmpretrain.models.selfsup.cae import DALLEEncoder
from mmpretrain.models.utils.clip_generator_helper import CLIP
from mmpretrain.registry import MODELS
from states import randomised

toys = pytest.mark.parametrize('toy', list(METHODS))
needs_mask = [name for name, toy in METHODS.items() if toy.mask]


def built(name, seed=0):
    toy = METHODS[name]
    torch.manual_seed(seed)
    model = MODELS.build(dict(type=toy.method, **copy.deepcopy(toy.cfg)))
    return randomised(model).train()


def losses_of(model, inputs, data_samples):
    torch.manual_seed(1)
    losses = model.loss(inputs, data_samples)
    return sum(value for key, value in losses.items() if 'loss' in key)


@toys
def test_a_step_is_deterministic_and_sees_the_image(toy):
    inputs, data_samples = batch(toy)
    first = losses_of(built(toy), inputs, data_samples)
    again = losses_of(built(toy), *batch(toy))
    assert torch.equal(first, again)
    other, _ = batch(toy, seed=1)
    assert (losses_of(built(toy), other, data_samples) - first).abs() > 1e-5


@pytest.mark.parametrize(
    'toy', [name for name, toy in METHODS.items() if toy.views == 2]
)
def test_target_comes_from_the_second_view(toy):
    (source, target), data_samples = batch(toy)
    assert not torch.equal(source, target)
    first = losses_of(built(toy), [source, target], data_samples)
    wrong = losses_of(built(toy), [source, source], data_samples)
    assert (first - wrong).abs() > 1e-3


@toys
def test_batch_has_whole_pixels_and_one_sample_per_image(toy):
    inputs, data_samples = batch(toy, num=3)
    views = inputs if METHODS[toy].views == 2 else [inputs]
    assert len(views) == METHODS[toy].views
    for view in views:
        size = METHODS[toy].size
        assert view.shape == (3, 3, size, size)
        pixels = view * column(STD) + column(MEAN)
        torch.testing.assert_close(pixels, pixels.round(), atol=1e-3, rtol=0)
        assert pixels.min() >= -1e-3 and pixels.max() <= 255 + 1e-3
    if METHODS[toy].mask is None:
        assert data_samples is None
        return
    masks = torch.stack([sample.mask for sample in data_samples])
    assert len(masks) == 3 and not torch.equal(masks[0], masks[1])
    again = torch.stack([sample.mask for sample in batch(toy, num=3)[1]])
    assert torch.equal(masks, again)


@pytest.mark.parametrize('toy', needs_mask)
def test_mask_is_like_the_stock_pipelines(toy):
    if toy == 'SimMIM':
        transform = SimMIMMaskGenerator(
            input_size=64, mask_patch_size=16, model_patch_size=4
        )
    else:
        cells, masked = (14, 78) if toy == 'MaskFeat' else (4, 8)
        transform = BEiTMaskGenerator(cells, masked, min_num_patches=2)
    state = np.random.get_state()
    np.random.seed(0)
    try:
        results = transform.transform(dict(img=np.zeros((4, 4, 3))))
    finally:
        np.random.set_state(state)
    stock = PackInputs().transform(results)['data_samples'].mask
    mask = METHODS[toy].mask(torch.Generator().manual_seed(0))
    assert mask.shape == stock.shape and mask.dtype == stock.dtype
    assert mask.sum() == stock.sum()
    assert set(mask.unique().tolist()) == {0, 1}


def test_toy_dalle_has_the_interface_of_dalle():
    stock = DALLEEncoder(n_hid=4, n_blk_per_group=1, vocab_size=16)
    toy, x = ToyDALLE(), torch.rand(2, 3, 32, 32)
    assert toy(x).shape == stock(x).shape == (2, 16, 4, 4)
    for module in (toy, stock):
        assert all(p.requires_grad for p in module.parameters())
    tokens = toy(x).argmax(1)
    assert not torch.equal(tokens[0], tokens[1])


def test_toy_clip_has_the_interface_of_clip():
    stock = CLIP(16, 32, 1, 64, 8, 4, 8, 64, 1, 1)
    toy, x = ToyCLIP(), torch.rand(2, 3, 32, 32)
    expected = stock.encode_image(x)
    for ours, theirs in zip(toy(x), expected, strict=True):
        assert ours.shape == theirs.shape and not ours.requires_grad
    attention = toy(x)[1]
    assert attention.shape == (2, 17, 17) and attention.min() > 0
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 17))
    assert not torch.equal(toy(x)[0][0], toy(x)[0][1])
    for module in (toy, stock):
        assert all(p.requires_grad for p in module.parameters())
