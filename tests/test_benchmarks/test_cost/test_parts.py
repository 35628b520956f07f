# Copyright (c) aemim_mm contributors. All rights reserved.
"""Counts against the formula of one transformer block.

A block on N tokens of D dimensions with an MLP of H: queries, keys and values
6 N D^2, attention 4 N^2 D, projection 2 N D^2, MLP 4 N D H operations.
"""

import pytest
from tiny_run import ROOT

from benchmarks.cost.cost_model import STOCK, StepShape, floor
from benchmarks.cost.parts import count_parts, shape_of, time_parts
from benchmarks.trainee import Trainee

PRETRAIN = ROOT / 'configs' / 'pretrain'
AEMIM, FAST, MAE = (
    PRETRAIN / f'{name}_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
    for name in ('aemim', 'fast-aemim', 'mae')
)
NOISE = (
    PRETRAIN / 'ablations/'
    'aemim_vit-tiny-p4_noise_1xb256-coslr-5e_fashion-mnist.py'
)
# Of the stock modules; the shipped decoder computes less.
STOCK_MODULES = {
    'model.neck.type': 'MAEPretrainDecoder',
    'model.head.type': 'MAEPretrainHead',
}
BATCH, PATCHES, VISIBLE = 4, 49, 12
WIDTH, LAYERS, DECODER_WIDTH, PIXELS = 64, 4, 48, 16


def block(tokens, width, hidden):
    return (8 * width**2 + 4 * width * hidden) * tokens + (
        4 * width * tokens**2
    )


def encoder():
    tokens = VISIBLE + 1
    embedding = 2 * PIXELS * WIDTH * VISIBLE
    return BATCH * (embedding + LAYERS * block(tokens, WIDTH, 4 * WIDTH))


def decoder():
    tokens = PATCHES + 1
    linear = 2 * DECODER_WIDTH * (WIDTH * (VISIBLE + 1) + PIXELS * tokens)
    return BATCH * (linear + block(tokens, DECODER_WIDTH, 4 * DECODER_WIDTH))


@pytest.fixture(scope='module')
def counted():
    return count_parts(Trainee(str(AEMIM), BATCH, cfg_options=STOCK_MODULES))


def test_forward_passes(counted):
    assert counted.encoder == encoder()
    assert counted.decoder == decoder()


def test_backward_passes(counted):
    """Two products for one; to the inputs alone it is one."""
    embedding = BATCH * 2 * PIXELS * WIDTH * VISIBLE
    # Nothing before the patch embedding needs a gradient in training.
    assert counted.encoder_backward == 2 * counted.encoder - embedding
    attention = BATCH * LAYERS * 4 * WIDTH * (VISIBLE + 1) ** 2
    # Both factors of attention's products depend on the inputs.
    assert counted.encoder_pixels == counted.encoder + attention
    assert counted.decoder_backward == 2 * counted.decoder
    attention = BATCH * 4 * DECODER_WIDTH * (PATCHES + 1) ** 2
    assert counted.decoder_features == counted.decoder + attention


def test_the_shipped_decoder_computes_less(counted):
    ours = count_parts(Trainee(str(AEMIM), BATCH))
    assert ours.encoder == counted.encoder
    assert ours.decoder < counted.decoder
    assert floor(ours, STOCK) < floor(counted, STOCK)


def test_what_images_share_is_counted_once():
    """Norm, queries, keys and values of the mask tokens, of each batch.

    The last block: queries, projection, MLP and prediction of the masked
    tokens, keys and values of all.
    """
    width, tokens, masked = DECODER_WIDTH, PATCHES + 1, PATCHES - VISIBLE
    hidden = 4 * width
    embedding = 2 * WIDTH * width * (VISIBLE + 1)
    # The table's own part is no image's.
    table = 6 * width**2 * PATCHES
    first = block(tokens, width, hidden) - 6 * width**2 * masked
    last = (4 * tokens + 4 * masked) * width**2 + 4 * masked * tokens * width
    last += 4 * masked * width * hidden
    image = embedding + first + last + 2 * width * PIXELS * masked
    for images in (1, BATCH):
        found = count_parts(
            Trainee(
                str(AEMIM),
                images,
                cfg_options={'model.neck.decoder_depth': 2},
            )
        )
        assert found.decoder == table + images * image


def test_times_are_times():
    ticks = []
    trainees = {name: Trainee(str(AEMIM), 2) for name in 'ab'}
    found = time_parts(trainees, 2, lambda: ticks.append(1))
    assert list(found) == ['a', 'b']
    assert all(f.encoder > 0 and f.decoder > 0 for f in found.values())
    assert len(ticks) == 24


def test_other_methods_have_parts_too():
    """Swin, whose mask comes from the pipeline, and a decoder of one layer."""
    name = (
        'aemim-simmim_swin-base-w6_steps1_8xb256-amp-coslr-100e_in1k-192px.py'
    )
    small = {'model.backbone.arch': 'tiny', 'model.neck.in_channels': 768}
    trainee = Trainee(str(PRETRAIN / name), 1, cfg_options=small)
    found = count_parts(trainee)
    assert 0 < found.decoder < found.encoder
    assert found.encoder < found.encoder_pixels < found.encoder_backward


SHALLOW = dict(
    _delete_=True,
    embed_dims=384,
    num_layers=1,
    num_heads=12,
    feedforward_channels=1536,
)


def test_two_calls_of_the_encoder_are_no_parts():
    """MoCo v3 encodes two views."""
    moco = Trainee(
        str(PRETRAIN / 'mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py'),
        2,
        cfg_options={'model.backbone.arch': SHALLOW},
    )
    assert count_parts(moco) is None
    trainees = {'moco': moco, 'mae': Trainee(str(MAE), 2)}
    assert list(time_parts(trainees, 1)) == ['mae']


def test_shapes():
    assert shape_of(Trainee(str(MAE), 8)) == STOCK
    assert shape_of(Trainee(str(AEMIM), 8)) == StepShape(1.0, 2)
    assert shape_of(Trainee(str(FAST), 8)) == StepShape(0.25, 1)
    assert shape_of(Trainee(str(NOISE), 8)) == StepShape(1.0, 0)
    options = {
        'model.adv_ratio': 0.3,
        'model.attack.distance': 'reconstruction',
        'model.attack.num_steps': 5,
    }
    # 0.3 of 8 images are 2 images.
    assert shape_of(Trainee(str(AEMIM), 8, cfg_options=options)) == StepShape(
        0.25, 5, decodes=True
    )
