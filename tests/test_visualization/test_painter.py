# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace

import pytest
import torch
from mmpretrain.models.heads import MAEPretrainHead

from aemim_mm.visualization.painter import MID_GREY, Painter

LOSS = dict(type='PixelReconstructionLoss', criterion='L2')


def _model(norm_pix=True, epsilon=2, channels=3):
    return SimpleNamespace(
        head=MAEPretrainHead(
            LOSS, norm_pix=norm_pix, patch_size=4, in_channels=channels
        ),
        data_preprocessor=SimpleNamespace(
            mean=torch.tensor([100.0, 110.0, 120.0])[:channels].view(-1, 1, 1),
            std=torch.tensor([50.0, 60.0, 70.0])[:channels].view(-1, 1, 1),
        ),
        attack=SimpleNamespace(epsilon=epsilon),
    )


def _pixels(images, model):
    p = model.data_preprocessor
    return images * p.std + p.mean


@pytest.fixture
def inputs():
    return torch.randn(2, 3, 8, 8)


# Of the 2 x 2 patches the first image hides the upper left one, the second
# image all but the lower right one.
MASK = torch.tensor([[1.0, 0, 0, 0], [1, 1, 1, 0]])


def test_masked_row_is_grey_exactly_where_hidden(inputs):
    model = _model()
    painter = Painter(model, inputs, (None, MASK))
    images, labels = painter.clean_rows(torch.zeros(2, 4, 48))
    expected = _pixels(inputs, model)
    torch.testing.assert_close(images['original'], expected)
    expected = expected.clone()
    expected[0, :, :4, :4] = MID_GREY
    expected[1, :, :4] = MID_GREY
    expected[1, :, :, :4] = MID_GREY
    torch.testing.assert_close(images['masked'], expected)
    assert '50 % hidden' in labels['masked']


@pytest.mark.parametrize('norm_pix', [True, False])
@pytest.mark.parametrize('channels', [1, 3])
def test_perfect_prediction_gives_the_original(inputs, norm_pix, channels):
    model = _model(norm_pix, channels=channels)
    inputs = inputs[:, :channels]
    painter = Painter(model, inputs, (None, MASK))
    # What the head itself holds the prediction against.
    prediction = model.head.construct_target(inputs)
    images, _ = painter.clean_rows(prediction)
    torch.testing.assert_close(
        images['reconstruction'], images['original'], atol=1e-2, rtol=0
    )


def test_prediction_is_drawn_in_hidden_patches_only(inputs):
    model = _model(norm_pix=False)
    painter = Painter(model, inputs, (None, MASK))
    images, _ = painter.clean_rows(torch.zeros(2, 4, 48))
    drawn = images['reconstruction']
    mean = model.data_preprocessor.mean  # normalised 0
    assert torch.equal(drawn[0, :, :4, :4], mean.expand(3, 4, 4))
    seen = _pixels(inputs, model)
    torch.testing.assert_close(drawn[1, :, 4:, 4:], seen[1, :, 4:, 4:])
    torch.testing.assert_close(drawn[0, :, 4:], seen[0, :, 4:])


def test_adversarial_rows(inputs):
    model = _model(epsilon=4)
    step = 4 / model.data_preprocessor.std  # the whole budget, brighter
    painter = Painter(model, inputs, (None, MASK))
    images, labels = painter.adversarial_rows(
        inputs + step, model.head.construct_target(inputs)
    )
    original = _pixels(inputs, model)
    torch.testing.assert_close(images['adversarial'], original + 4)
    torch.testing.assert_close(
        images['perturbation'],
        torch.full_like(original, 127.5 + 127),
        atol=1e-3,
        rtol=0,
    )
    drawn = images['adversarial_reconstruction']
    # Hidden: the clean target; visible: the adversarial example.
    torch.testing.assert_close(
        drawn[0, :, :4, :4], original[0, :, :4, :4], atol=1e-2, rtol=0
    )
    torch.testing.assert_close(drawn[0, :, 4:], original[0, :, 4:] + 4)
    assert 'epsilon 4 of 255' in labels['adversarial']
    assert 'x 31.75' in labels['perturbation']


def test_an_attack_without_a_bound_in_pixel_values(inputs):
    model = _model(epsilon=4)
    model.attack = object()
    step = 3.17 / model.data_preprocessor.std
    painter = Painter(model, inputs, (None, MASK))
    images, labels = painter.adversarial_rows(
        inputs + step, torch.zeros(2, 4, 48)
    )
    assert 'largest change 3.17 of 255' in labels['adversarial']
    drawn = images['perturbation']
    assert drawn.max() == pytest.approx(127.5 + 127, abs=1e-2)


def test_no_budget_no_amplification(inputs):
    painter = Painter(_model(epsilon=0), inputs, (None, MASK))
    images, labels = painter.adversarial_rows(inputs, torch.zeros(2, 4, 48))
    assert torch.all(images['perturbation'] == MID_GREY)
    assert 'x 1\n' in labels['perturbation']


@pytest.mark.parametrize(
    'encoded', [torch.zeros(2, 4), (torch.zeros(2, 4), torch.zeros(2, 9))]
)
def test_encoder_without_patch_mask_is_refused(inputs, encoded):
    with pytest.raises(ValueError, match=r'mask of shape \(2, 4\)'):
        Painter(_model(), inputs, encoded)


def test_decoder_without_pixels_is_refused(inputs):
    painter = Painter(_model(), inputs, (None, MASK))
    for prediction in (torch.zeros(2, 4, 5), (torch.zeros(2, 4, 48),)):
        with pytest.raises(ValueError, match=r'patches of pixels, \(2, 4, 48'):
            painter.clean_rows(prediction)
