# Copyright (c) aemim_mm contributors. All rights reserved.
import random

import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from states import assert_equal_states
from toys import (
    build_aemim,
    build_stock,
    images,
    mae_cfg,
    to_pixels,
    total_loss,
)

from aemim_mm.visualization import reconstruct
from aemim_mm.visualization.reconstruction import check_drawable

ROWS = [
    'original',
    'masked',
    'reconstruction',
    'adversarial',
    'perturbation',
    'adversarial_reconstruction',
]


@pytest.fixture
def model():
    return build_aemim('MAE-DualNormViT', adv_ratio=0.25)


def _state(model):
    return (
        {k: v.clone() for k, v in model.state_dict().items()},
        [m.training for m in model.modules()],
        [p.grad for p in model.parameters()],
        torch.get_rng_state(),
        model.adv_ratio,
        len(model.neck._forward_hooks),
    )


def test_six_rows_of_every_image(model):
    inputs = images(5)
    rows = reconstruct(model, inputs)
    assert list(rows.images) == list(rows.labels) == ROWS
    for name, row in rows.images.items():
        assert row.shape == (5, 3, 32, 32), name
        assert row.dtype == torch.float32 and not row.requires_grad
    original = to_pixels(inputs)
    torch.testing.assert_close(rows.images['original'], original)
    # All images are attacked, within the budget, though adv_ratio is 0.25.
    change = (rows.images['adversarial'] - original).abs()
    assert (change.amax((1, 2, 3)) - 2).abs().max() < 1e-3
    amplified = rows.images['perturbation'] - 127.5
    torch.testing.assert_close(
        amplified,
        63.5 * (rows.images['adversarial'] - original),
        atol=0.05,
        rtol=0,
    )


def test_rows_show_the_passes_of_a_step(model):
    """Compare with predictions that are computed here, by hand."""
    inputs = images(3)
    rows = reconstruct(model, inputs, seed=4)
    hidden = rows.images['masked'] == 127.5
    hidden = hidden.all(1, keepdim=True)
    mask = model.head.patchify(hidden.expand(-1, 3, -1, -1).float())[..., 0]
    assert mask.sum(1).tolist() == [12, 12, 12]  # of 16 patches

    std = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    x_adv = (rows.images['adversarial'] - mean) / std
    kept = (1 - mask).nonzero()[:, 1].view(3, 4)
    restore = torch.cat([kept, mask.nonzero()[:, 1].view(3, 12)], 1).argsort(1)
    target = model.head.patchify(inputs)
    deviation = (target.var(-1, keepdim=True) + 1e-6).sqrt()
    # It predicts all patches, the model's own decoder the hidden ones.
    stock_decoder = build_stock('MAE-DualNormViT').neck
    stock_decoder.load_state_dict(model.neck.state_dict())

    for name, visible, tensors in (
        ('reconstruction', inputs, {}),
        ('adversarial_reconstruction', x_adv, model.adv.tensors()),
    ):
        with torch.no_grad():
            encoder = {
                k.removeprefix('backbone.'): v
                for k, v in tensors.items()
                if k.startswith('backbone.')
            }
            decoder = {
                k.removeprefix('neck.'): v
                for k, v in tensors.items()
                if k.startswith('neck.')
            }
            latent = torch.func.functional_call(
                model.backbone, encoder, (visible, kept)
            )[0]
            patches = torch.func.functional_call(
                stock_decoder, decoder, (latent, restore)
            )
        patches = patches * deviation + target.mean(-1, keepdim=True)
        filled = torch.where(hidden, model.head.unpatchify(patches), visible)
        torch.testing.assert_close(
            rows.images[name], filled * std + mean, atol=0.05, rtol=1e-3
        )


def test_adversarial_branch_uses_its_adapters(model):
    inputs = images(2)
    before = reconstruct(model, inputs).images
    with torch.no_grad():
        model.adv.neck.ln1.weight.mul_(3)
    after = reconstruct(model, inputs).images
    for name in ROWS[:5]:
        assert torch.equal(before[name], after[name]), name
    name = 'adversarial_reconstruction'
    assert (before[name] - after[name]).abs().max() > 1


@pytest.mark.parametrize('distance', ['l2', 'reconstruction'])
def test_nothing_is_left_behind(distance):
    model = build_aemim(
        'MAE-stock-backbone',
        adv_ratio=0.25,
        attack=dict(type='FeatureDistancePGD', distance=distance),
    )
    inputs = images(4)
    model.backbone.layers[0].eval()
    before = _state(model)
    reconstruct(model, inputs)
    after = _state(model)
    assert_equal_states(before[0], after[0])
    assert before[1] == after[1]
    assert set(after[2]) == {None}
    assert torch.equal(before[3], after[3])
    assert before[4:] == after[4:] == (0.25, 0)


def test_training_goes_on_with_the_same_losses(model):
    inputs = images(4)

    def losses(draw):
        torch.manual_seed(3)
        random.seed(3)  # the rows that are attacked
        values = []
        for _ in range(2):
            values.append(total_loss(model.loss(inputs, None)).item())
            if draw:
                reconstruct(model, inputs)
        return values

    assert losses(draw=True) == losses(draw=False)


def test_same_seed_same_pictures(model):
    inputs = images(2)
    first, again, other = (
        reconstruct(model, inputs, seed=seed).images for seed in (0, 0, 1)
    )
    for name in ROWS:
        assert torch.equal(first[name], again[name]), name
    assert not torch.equal(first['masked'], other['masked'])


def test_state_is_restored_after_a_failure(model, monkeypatch):
    def fail(*args):
        raise RuntimeError('attack failed')

    monkeypatch.setattr(model, 'attack', fail)
    before = _state(model)
    with pytest.raises(RuntimeError, match='attack failed'):
        reconstruct(model, images(4))
    after = _state(model)
    assert before[1] == after[1] and before[4:] == after[4:] == (0.25, 0)
    assert torch.equal(before[3], after[3])


def test_rows_of_a_shuffled_attack_are_put_back(model, monkeypatch):
    inputs = images(3)
    expected = to_pixels(inputs)
    monkeypatch.setattr(model, 'choose_rows', lambda size: [2, 0, 1])
    change = reconstruct(model, inputs).images['adversarial'] - expected
    assert change.abs().max() < 2.001


def test_stock_method_gives_the_clean_rows():
    rows = reconstruct(build_stock('MAE-stock-backbone'), images(2))
    assert list(rows.images) == list(rows.labels) == ROWS[:3]
    aemim = reconstruct(build_aemim('MAE-stock-backbone'), images(2))
    for name in ROWS[:3]:  # same weights, same seed, same mask
        torch.testing.assert_close(rows.images[name], aemim.images[name])


def test_grey_images():
    cfg = mae_cfg('DualNormViT', patch_cfg=dict(in_channels=1))
    cfg['neck']['in_chans'] = cfg['head']['in_channels'] = 1
    cfg['data_preprocessor'].update(mean=[72.94], std=[90.02])
    model = MODELS.build(dict(type='AEMIMAlgorithm', method='MAE', **cfg))
    pixels = torch.randint(0, 256, (2, 1, 32, 32)).float()
    rows = reconstruct(model, (pixels - 72.94) / 90.02)
    torch.testing.assert_close(
        rows.images['original'], pixels, atol=1e-3, rtol=0
    )
    assert all(r.shape == (2, 1, 32, 32) for r in rows.images.values())
    change = rows.images['adversarial'] - pixels
    assert change.abs().max() < 2.001


def test_bgr_input_is_drawn_as_rgb(model):
    sample = DataSample(metainfo=dict(ori_shape=(32, 32)))
    inputs = images(2)
    loaded = reconstruct(model, inputs, [sample, sample]).images
    arrays = reconstruct(model, inputs, [DataSample(), DataSample()]).images
    for name in ROWS:
        assert torch.equal(loaded[name], arrays[name].flip(1)), name


def test_methods_without_pixel_patches_are_refused(model):
    check_drawable(model)
    model.head = torch.nn.Identity()
    with pytest.raises(ValueError, match='head Identity: supported are'):
        reconstruct(model, images(1))


def test_missing_normalisation_is_named(model):
    model.data_preprocessor = MODELS.build(
        dict(type='SelfSupDataPreprocessor')
    )
    with pytest.raises(ValueError, match='`mean` and a `std`'):
        check_drawable(model)
