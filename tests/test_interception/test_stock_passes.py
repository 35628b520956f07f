# Copyright (c) aemim_mm contributors. All rights reserved.
"""One mask for the clean pass, the attack and the adversarial pass."""

import pytest
import torch
from mmpretrain.models.selfsup import MAEViT
from mmpretrain.registry import MODELS
from torch import nn
from toys import (
    METHODS,
    ToyEncoder,
    ToyMIM,
    attack,
    batch,
    build_aemim,
    build_toy_mim,
    images,
    mae_cfg,
    masks,
    total_loss,
)

from aemim_mm.core import BatchSubset, MaskDraw
from aemim_mm.interception.rules import METHODS as METHOD_RULES
from aemim_mm.interception.rules import MethodRule


@pytest.mark.parametrize(
    'toy',
    [name for name, toy in METHODS.items() if not toy.encoder_batch_norm],
)
def test_row_subset_is_the_subset_of_the_batch(toy):
    """E(x[rows]; m[rows]) == E(x; m)[rows]."""
    model = build_aemim(toy, adv_ratio=0.6)
    inputs, samples = batch(toy, 6)
    x = inputs[0] if isinstance(inputs, list) else inputs
    chosen = model.choose_rows(6)
    subset = BatchSubset(chosen, 6)
    _, whole = model.passes.clean_pass(inputs, samples, {})
    call = whole.of(subset)
    assert len(chosen) == 4
    actual = model.passes.encode(whole.attacked(x)[chosen], call)
    for few, recorded, all_of_them in zip(
        actual, call.features, whole.features, strict=True
    ):
        assert few.shape[0] == 4 and all_of_them.shape[0] == 6
        assert torch.equal(recorded, all_of_them[chosen])
        assert all_of_them.requires_grad and not recorded.requires_grad
        torch.testing.assert_close(few, recorded, atol=1e-5, rtol=1e-5)


def test_method_from_outside_with_a_mask_argument():
    model = build_toy_mim(adv_ratio=0.5, attack=attack(num_steps=1))
    model.train()
    losses = model.loss(images(4), masks(4))
    assert set(losses) == {
        'loss_clean', 'loss_adv', 'seen_clean', 'seen_adv', 'recon_clean',
        'recon_adv', 'distance_start', 'distance_end',
    }  # fmt: skip
    total_loss(losses).backward()
    assert model.adv.backbone.bn.weight.grad.abs().max() > 0


def test_method_from_outside_at_epsilon_zero():
    model = build_toy_mim(attack=attack(epsilon=0))
    losses = model.loss(images(4), masks(4))
    torch.testing.assert_close(losses['recon_adv'], losses['recon_clean'])
    assert losses['distance_end'] < 1e-6
    assert torch.equal(losses['seen_adv'], losses['seen_clean'])


def test_hidden_mask_is_found_at_the_first_step():
    model = build_toy_mim('HiddenMaskEncoder')
    with pytest.raises(RuntimeError, match='does not repeat its features'):
        model.loss(images(4), masks(4))


@pytest.mark.parametrize('adv_ratio', [1.0, 0.5])
def test_mask_drawn_in_the_loss_is_found_at_the_first_step(adv_ratio):
    model = build_toy_mim(method='LossMaskMIM', adv_ratio=adv_ratio)
    with pytest.raises(RuntimeError, match='draws a mask of its own'):
        model.loss(images(4), masks(4))


def test_subclass_with_a_draw_of_its_own_is_found():
    """As mmpretrain's MILANViT is a MAEViT that draws by attention."""

    class OwnDraw(MAEViT):
        def other_masking(self, x, ratio):
            return MAEViT.random_masking(self, x, ratio)

        def forward(self, x, mask=True):
            random_masking = self.random_masking
            self.random_masking = self.other_masking
            try:
                return super().forward(x, mask)
            finally:
                self.random_masking = random_masking

    MODELS.register_module(module=OwnDraw, force=True)
    model = build_aemim('MAE-stock-backbone', cfg=mae_cfg('OwnDraw'))
    with pytest.raises(RuntimeError, match='OwnDraw did not draw its mask'):
        model.loss(images(4), None)


def test_second_step_starts_afresh():
    model = build_aemim('MAE-DualNormViT')
    model.loss(images(4), None)
    masks = [model.step(images(4), None).encoder_output[1] for _ in range(2)]
    assert not torch.equal(*masks)


def test_a_forward_patched_onto_the_encoder_stays():
    model = build_aemim(
        'MAE-DualNormViT', attack=attack(distance='reconstruction')
    )
    calls, forward = [], model.backbone.forward

    def patched(*args, **kwargs):
        calls.append(1)
        return forward(*args, **kwargs)

    model.backbone.forward = patched
    model.loss(images(2), None)
    assert model.backbone.forward is patched
    assert len(calls) == 4  # clean, two attack steps, adversarial


class ImageMaskMIM(ToyMIM):
    """Masks the image before the encoder sees it, as SparK does."""

    def loss(self, inputs, data_samples, **kwargs):
        """As :class:`ToyMIM`, with a mask of the pipeline."""
        mask = self.mask(data_samples)
        mask = nn.functional.interpolate(mask, scale_factor=4)
        features = self.backbone(inputs * mask, torch.ones_like(mask))[0]
        target = nn.functional.avg_pool2d(inputs, 4)
        return dict(loss=(features[:, :3] - target).square().mean())


@pytest.mark.parametrize('adv_ratio', [1.0, 0.5])
def test_image_masked_before_the_encoder_is_found_at_the_first_step(adv_ratio):
    MODELS.register_module(module=ImageMaskMIM, force=True)
    model = build_toy_mim(method='ImageMaskMIM', adv_ratio=adv_ratio)
    with pytest.raises(RuntimeError, match='something else than the images'):
        model.loss(images(4), masks(4))


def test_method_rule_serves_an_image_that_is_masked_before(monkeypatch):
    """What SparK needs, for a method from outside."""

    class Drawing(ImageMaskMIM):
        def draw(self, size):
            return torch.rand(size, 1, 8, 8).round()

        def mask(self, data_samples):
            return self.draw(len(data_samples))

    MODELS.register_module(module=Drawing, force=True)

    def shown(image, mask):
        return image * nn.functional.interpolate(mask, scale_factor=4)

    rule = MethodRule(
        draw=MaskDraw('draw', lambda m: (m,), lambda kept, size: kept[0]),
        shown=shown,
    )
    monkeypatch.setitem(METHOD_RULES, Drawing, rule)
    model = build_toy_mim(method='Drawing', attack=attack(epsilon=0))
    losses = model.loss(images(4), masks(4))
    torch.testing.assert_close(losses['recon_adv'], losses['recon_clean'])


class NoisyMAE(MAEViT):
    """Draws its mask as MAE does, and something else besides."""

    def forward(self, x, mask=True):
        """As :class:`MAEViT`, with noise of a mask's size."""
        latent, *others = super().forward(x, mask)
        return latent * torch.rand_like(latent).round(), *others


def test_further_randomness_of_a_known_class_is_found():
    MODELS.register_module(module=NoisyMAE, force=True)
    model = build_aemim('MAE-stock-backbone', cfg=mae_cfg('NoisyMAE'))
    with pytest.raises(RuntimeError, match='NoisyMAE does not repeat'):
        model.loss(images(4), None)


class NoisyInTraining(NoisyMAE):
    """The same, in training alone."""

    def forward(self, x, mask=True):
        """As :class:`NoisyMAE`."""
        cls = NoisyMAE if self.training else MAEViT
        return cls.forward(self, x, mask)


def test_a_step_in_evaluation_mode_is_no_check_of_training():
    """Such as that of a picture before training."""
    MODELS.register_module(module=NoisyInTraining, force=True)
    cfg = mae_cfg('NoisyInTraining')
    model = build_aemim('MAE-stock-backbone', cfg=cfg).eval()
    model.step(images(4), None)
    with pytest.raises(RuntimeError, match='NoisyInTraining does not repeat'):
        model.train().loss(images(4), None)


class DropEncoder(ToyEncoder):
    """With dropout, and a number that it draws for nothing."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def forward(self, x, mask):
        """As :class:`ToyEncoder`."""
        torch.rand(1)
        return (self.drop(super().forward(x, mask)[0]),)


def test_dropout_in_an_unknown_encoder_is_no_hidden_mask():
    MODELS.register_module(module=DropEncoder, force=True)
    model = build_toy_mim('DropEncoder')
    model.train()
    losses = model.loss(images(4), masks(4))
    assert losses['distance_start'].isfinite()


def test_the_check_of_the_first_step_draws_nothing():
    MODELS.register_module(module=DropEncoder, force=True)
    model = build_toy_mim('DropEncoder')
    model.train()
    samples, after = masks(4), []
    for _ in range(2):  # with the check and without
        torch.manual_seed(0)
        model.loss(images(4), samples)
        after.append(torch.rand(3))
    assert torch.equal(*after)


@pytest.mark.parametrize(
    'change, match',
    [
        (lambda x: (x, torch.ones(4, 1, dtype=torch.bool)), 'torch.bool'),
        (lambda x: (x, None), 'NoneType'),
        (lambda x: {'features': x}, 'returns str'),
        (lambda x: (x, x.mean()), r'a tensor \(\)'),
        (lambda x: (x, x.flatten(0, 1)), r'a tensor \(16, 8, 8\)'),
    ],
)
def test_outputs_that_are_no_features_are_named(change, match):
    model = build_toy_mim()
    forward = model.backbone.forward
    model.backbone.forward = lambda *args: change(forward(*args)[0])
    model.stock_loss = lambda inputs, samples: dict(
        loss=len(model.backbone(inputs, torch.ones(4, 1, 32, 32)))
    )
    with pytest.raises(TypeError, match=match) as error:
        model.loss(images(4), masks(4))
    assert 'ENCODERS[ToyEncoder] = EncoderRule(' in str(error.value)


class MixingEncoder(ToyEncoder):
    """Mixes every image with its neighbour."""

    def forward(self, x, mask):
        """As :class:`ToyEncoder`, without batch norm."""
        x = self.conv(x * mask)
        return (x + x.roll(1, 0),)


def test_features_that_depend_on_the_batch_are_warned_of(recwarn):
    MODELS.register_module(module=MixingEncoder, force=True)
    build_toy_mim('MixingEncoder').loss(images(4), masks(4))
    assert not [w for w in recwarn if 'depend' in str(w.message)]
    model = build_toy_mim('MixingEncoder', adv_ratio=0.5)
    with pytest.warns(UserWarning, match='choose_rows'):
        model.loss(images(4), masks(4))


class KeywordMIM(ToyMIM):
    """Takes the mask as an argument of loss()."""

    def loss(self, inputs, data_samples=None, mask=None):
        """As :class:`ToyMIM`."""
        return super().loss(inputs, [dict(mask=m) for m in mask])


@pytest.mark.parametrize('adv_ratio', [1.0, 0.5])
def test_arguments_of_the_loss_are_cut_to_the_rows(adv_ratio):
    MODELS.register_module(module=KeywordMIM, force=True)
    model = build_toy_mim(
        method='KeywordMIM', adv_ratio=adv_ratio, attack=attack(epsilon=0)
    )
    model.eval()  # batch norm with its running statistics
    mask = torch.stack([sample['mask'] for sample in masks(4)])
    step = model.step(images(4), None, mask=mask)
    rows = list(step.rows or range(4))
    expected = model.stock_loss(images(4)[rows], None, mask=mask[rows])
    torch.testing.assert_close(step.adv['loss'], expected['loss'])
