# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from tiny_run import ROOT

PATCHES, MASKED = 16, 11


def pair(**options):
    cfg = dict(
        norm_pix=True,
        patch_size=4,
        loss=dict(type='PixelReconstructionLoss', criterion='L2'),
    )
    return [
        MODELS.build(dict(type=name, **{**cfg, **options}))
        for name in ('MAEPretrainHead', 'MAEMaskedHead')
    ]


def case(channels=3):
    """Predictions of all patches, images, mask, and those of masked ones."""
    pred = torch.randn(2, PATCHES, 16 * channels, requires_grad=True)
    mask = torch.zeros(2, PATCHES)
    for row in mask:
        row[torch.randperm(PATCHES)[:MASKED]] = 1
    images = torch.randn(2, channels, 16, 16)
    return pred, images, mask, pred[mask.bool()].view(2, MASKED, -1)


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(norm_pix=False),
        dict(in_channels=1),
        dict(loss=dict(type='PixelReconstructionLoss', criterion='L1')),
        dict(
            loss=dict(
                type='PixelReconstructionLoss', criterion='L2', channel=3
            )
        ),
    ],
)
def test_loss_and_gradient_are_the_stock_ones(options):
    stock, ours = pair(**options)
    pred, images, mask, masked = case(options.get('in_channels', 3))
    expected = stock.loss(pred, images, mask)
    actual = ours.loss(masked, images, mask)
    torch.testing.assert_close(actual, expected)
    # Through the selection, visible patches get 0 as in the stock head.
    torch.testing.assert_close(
        torch.autograd.grad(actual, pred)[0],
        torch.autograd.grad(expected, pred)[0],
    )


def test_predictions_of_all_patches_are_refused():
    _, ours = pair()
    pred, images, mask, _ = case()
    with pytest.raises(ValueError, match="type='MAEMaskedDecoder'"):
        ours.loss(pred, images, mask)


def test_place_is_the_inverse_of_the_selection():
    _, ours = pair()
    pred, _, mask, masked = case()
    placed = ours.place(masked, mask)
    assert torch.equal(placed[mask.bool()], pred[mask.bool()])
    assert not placed[~mask.bool()].any()


@pytest.mark.parametrize('recipe', ['small', 'base', 'tiny-p4'])
def test_shipped_models_have_both(recipe):
    name = recipe if '-' in recipe else f'{recipe}-p16'
    cfg = Config.fromfile(ROOT / f'configs/_base_/models/mae_vit-{name}.py')
    assert cfg.model.neck.type == 'MAEMaskedDecoder'
    assert cfg.model.head.type == 'MAEMaskedHead'
