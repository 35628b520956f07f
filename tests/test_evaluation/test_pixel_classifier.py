# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import timm
import torch
from attack_toys import IMAGENET, small_images, small_net
from mmpretrain.models import ImageClassifier, LinearClsHead
from torch import nn

from aemim_mm.evaluation import PixelClassifier

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


class Backbone(nn.Module):
    """Features are the pixels, times a parameter; ``train()`` gives None."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.drop = nn.Dropout(0.9)

    def forward(self, x):
        return (self.drop(x.flatten(1)) * self.scale,)

    def train(self, mode=True):
        super().train(mode)


def classifier(channels=3, **preprocessor):
    head = LinearClsHead(num_classes=4, in_channels=channels * 64)
    return ImageClassifier(
        Backbone(), head=head, data_preprocessor=preprocessor
    )


@pytest.mark.parametrize('to_rgb', [True, False])
def test_mmpretrain_bit_for_bit(to_rgb):
    """All 256 pixel values, loaded as BGR, against the stock pass."""
    model = classifier(mean=MEAN, std=STD, to_rgb=to_rgb)
    bgr = torch.arange(4 * 192).remainder(256).view(4, 3, 8, 8).byte()
    model.eval()
    inputs = model.data_preprocessor(dict(inputs=bgr))['inputs']
    expected = model(inputs, mode='tensor')
    pixels = bgr.flip(1).float() / 255
    logits = PixelClassifier.from_mmpretrain(model)(pixels)
    assert torch.equal(logits, expected)
    # Logits, not scores: they do not add up to 1.
    assert (logits.sum(dim=1) - 1).abs().min() > 1e-3


def test_grey_images():
    model = classifier(1, mean=[72.94], std=[90.02])
    images = torch.randint(256, (2, 1, 8, 8)).byte()
    model.eval()
    inputs = model.data_preprocessor(dict(inputs=images))['inputs']
    logits = PixelClassifier.from_mmpretrain(model)(images.float() / 255)
    assert torch.equal(logits, model(inputs))


def test_timm():
    torch.manual_seed(0)
    model = timm.create_model(
        'vit_tiny_patch16_224', img_size=32, depth=1, num_classes=5
    )
    nn.init.normal_(model.head.weight)
    x = torch.rand(2, 3, 32, 32)
    # This model's published mean and std are 0.5.
    expected = model.eval()((x - 0.5) / 0.5)
    logits = PixelClassifier.from_timm(model)(x)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)


def test_any_torch_model():
    x, _ = small_images()
    net = small_net()
    mean, std = (torch.tensor(IMAGENET[k]).view(3, 1, 1) for k in IMAGENET)
    expected = net((x - mean) / std)
    logits = PixelClassifier(net, **IMAGENET)(x)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)


def test_eval_mode_and_frozen():
    model = classifier(mean=MEAN, std=STD)
    model.train()
    wrapper = PixelClassifier.from_mmpretrain(model)
    assert wrapper.train() is wrapper
    assert not any(module.training for module in wrapper.modules())
    assert not any(p.requires_grad for p in wrapper.parameters())
    # but the pixels' gradient is there
    x = torch.rand(1, 3, 8, 8, requires_grad=True)
    wrapper(x).sum().backward()
    assert x.grad.abs().max() > 0
    assert all(p.grad is None for p in model.parameters())


def test_float32_under_autocast():
    x, _ = small_images()
    model = PixelClassifier(small_net(), **IMAGENET)
    expected = model(x)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(model(x), expected)
        assert model.model(x).dtype == torch.bfloat16


def test_refuses_what_it_cannot_normalise():
    with pytest.raises(ValueError, match='ClsDataPreprocessor has no mean'):
        PixelClassifier.from_mmpretrain(classifier(pad_size_divisor=1))
    padding = classifier(mean=MEAN, std=STD, pad_size_divisor=32)
    with pytest.raises(ValueError, match='multiples of 32 pixels'):
        PixelClassifier.from_mmpretrain(padding)
    with pytest.raises(ValueError, match='mean must be on the 0-1 scale'):
        PixelClassifier(small_net(), MEAN, IMAGENET['std'])
    for std in (STD, (0, 1, 1)):
        with pytest.raises(ValueError, match='std must be on the 0-1 scale'):
            PixelClassifier(small_net(), IMAGENET['mean'], std)


def test_refuses_half_precision():
    with pytest.raises(ValueError, match='0.weight is torch.bfloat16'):
        PixelClassifier(small_net().bfloat16(), **IMAGENET)


def test_refuses_what_are_no_logits():
    headless = ImageClassifier(
        Backbone(), data_preprocessor=dict(mean=MEAN, std=STD)
    )
    wrapper = PixelClassifier.from_mmpretrain(headless)
    with pytest.raises(TypeError, match='got a tuple. Has the classifier a'):
        wrapper(torch.rand(1, 3, 8, 8))
    pooled = PixelClassifier(nn.Identity(), **IMAGENET)
    with pytest.raises(TypeError, match=r'shape \(1, 3, 8, 8\)'):
        pooled(torch.rand(1, 3, 8, 8))
