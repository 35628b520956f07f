# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
import toys
from mim_toys import ARCH
from mmpretrain.models import VisionTransformer
from mmpretrain.registry import MODELS
from states import randomised
from torch import nn

from aemim_mm.evaluation import FrozenEncoder
from aemim_mm.models.backbones import DualNormViT

IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
SIZE = dict(arch=ARCH, img_size=16, patch_size=8)


def random_weights(model):
    randomised(model, 0.3, vectors=0).eval()
    return model


class Returns(nn.Module):
    """A backbone that returns this."""

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, x):
        return self.output


@pytest.mark.parametrize('pooling', [None, 'token'])
def test_class_token(pooling):
    vit = random_weights(VisionTransformer(**SIZE, out_type='raw'))
    stock = VisionTransformer(**SIZE, out_type='cls_token')
    stock.load_state_dict(vit.state_dict())
    stock.eval()
    found = FrozenEncoder(vit, pooling)(IMAGES)
    assert torch.equal(found, stock(IMAGES)[-1])
    assert found.shape == (3, ARCH['embed_dims'])


def test_mean_of_the_patches():
    vit = random_weights(VisionTransformer(**SIZE, out_type='raw'))
    tokens = vit(IMAGES)[-1]
    found = FrozenEncoder(vit, 'avg')(IMAGES)
    assert torch.equal(found, tokens[:, 1:].mean(1))
    assert not torch.equal(found, tokens[:, 0])


def test_maps_and_vectors():
    maps = torch.rand(3, 4, 2, 2)
    for pooling in (None, 'avg'):
        found = FrozenEncoder(Returns((maps * 0, maps)), pooling)(IMAGES)
        torch.testing.assert_close(found, maps.flatten(2).mean(2))
    vectors = torch.rand(3, 4)
    assert FrozenEncoder(Returns([vectors]))(IMAGES) is vectors
    with pytest.raises(ValueError, match='Returns has no class token: take'):
        FrozenEncoder(Returns((maps,)), 'token')(IMAGES)


def test_clean_branch_of_a_dual_norm_vit():
    """Unmasked, and whatever the adversarial adapters are."""
    dual = random_weights(
        DualNormViT(**SIZE, out_type='raw', adapters=('norm', 'cls_token'))
    )
    stock = VisionTransformer(**SIZE, out_type='cls_token')
    clean = dual.state_dict()
    stock.load_state_dict(
        {key: clean[key] for key in stock.state_dict()}, strict=True
    )
    stock.eval()
    found = FrozenEncoder(dual)(IMAGES)
    torch.testing.assert_close(found, stock(IMAGES)[-1])
    for parameter in dual.adv.parameters():
        parameter.data.add_(1)
    assert torch.equal(FrozenEncoder(dual)(IMAGES), found)


@pytest.mark.parametrize(
    'name',
    [
        *('MAE-stock-backbone', 'MAE-DualNormViT', 'MFF', 'SimMIM', 'BEiT-v1'),
        *('MaskFeat', 'CAE', 'MILAN', 'EVA', 'MixMIM'),
    ],
)
def test_encoders_of_pretraining_do_not_mask(name):
    toy = toys.METHODS[name]
    cfg = dict(copy.deepcopy(toy.cfg['backbone']))
    if 'raw' in getattr(MODELS.get(cfg['type']), 'OUT_TYPES', ()):
        cfg['out_type'] = 'raw'
    encoder = FrozenEncoder(random_weights(MODELS.build(cfg)))
    images = toys.images(2, 0, toy.size)
    found = encoder(images)
    assert found.shape[0] == 2 and found.ndim == 2
    assert found.std() > 1e-3
    # A random mask would not be the same twice.
    assert torch.equal(encoder(images), found)


def test_a_forward_without_a_mask_is_its_own():
    """ResizableBEiT's says which grid the position tables are of."""
    beit = random_weights(
        MODELS.build(
            dict(
                type='ResizableBEiT',
                arch=dict(toys.ARCH),
                img_size=32,
                patch_size=8,
                out_type='featmap',
            )
        )
    )
    images = toys.images(2, 0, 48)
    expected = beit(images)[-1].mean((2, 3))
    beit(toys.images(2, 0, 32))
    assert torch.equal(FrozenEncoder(beit)(images), expected)


def test_what_is_no_encoder():
    with pytest.raises(ValueError, match='Returns returns no features of w'):
        FrozenEncoder(Returns((IMAGES, None)))(IMAGES)
    with pytest.raises(ValueError, match="pooling is 'max', but must be one"):
        FrozenEncoder(Returns(IMAGES), 'max')
