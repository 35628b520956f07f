# Copyright (c) aemim_mm contributors. All rights reserved.
"""Algorithm 1 over models that know nothing of AEMIM, on torch alone."""

import copy

import pytest
import torch
from pixels import MEAN, STD, column, images, to_pixels
from torch import nn
from torch.func import functional_call
from torch.nn.functional import mse_loss

from aemim_mm.core import (
    AdapterBank,
    AdapterSwap,
    DeferredGradients,
    EncoderCall,
    FeatureDistancePGD,
    aemim_step,
)
from aemim_mm.core.batch_subset import BatchSubset


class Patches(nn.Module):
    """32 x 32 images as 16 masked tokens; a decoder with a norm of its own."""

    def __init__(self, encoder, dropout=0.0):
        super().__init__()
        self.embed = nn.Conv2d(3, 12, 8, stride=8)
        self.dropout = nn.Dropout(dropout)
        self.encoder = encoder
        self.norm = nn.LayerNorm(12)
        self.decoder = nn.ConvTranspose2d(12, 3, 8, stride=8)

    def encode(self, x, mask):
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        return self.encoder(self.dropout(tokens * mask))

    def decode(self, features):
        features = self.norm(features).transpose(1, 2)
        return self.decoder(features.unflatten(2, (4, 4)))

    def forward(self, x, mask):
        """For the reference: features and reconstruction."""
        features = self.encode(x, mask)
        return features, self.decode(features)


class BatchNormTokens(nn.BatchNorm1d):
    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def batch_norm():
    return nn.Sequential(
        nn.Linear(12, 12), BatchNormTokens(12), nn.Tanh(), nn.Linear(12, 12)
    )


def vit():
    layer = nn.TransformerEncoderLayer(
        12, 2, 24, dropout=0.0, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(
        layer, 2, norm=nn.LayerNorm(12), enable_nested_tensor=False
    )


encoders = pytest.mark.parametrize('encoder', [batch_norm, vit])


class Trained:
    """A model with both sets of adapters, which differ."""

    def __init__(self, encoder, **options):
        self.model = Patches(encoder(), **options)
        self.bank = AdapterBank(self.model)
        with torch.no_grad():
            for twin in self.bank.parameters():
                twin.add_(0.3 * torch.randn_like(twin))
        self.swap = AdapterSwap(self.model, self.bank)

    def step(self, x, mask, attack, rows=None, image=None, **options):
        model = self.model

        def clean_pass():
            features = model.encode(x, mask)
            loss = mse_loss(model.decode(features), x)
            call = EncoderCall([features], mask, output=features, image=image)
            return loss, call

        def encode(images, call):
            return [model.encode(images, call.mask)]

        def reconstruction(features, call):
            assert len(call.mask) == len(target)
            return mse_loss(model.decode(*features), target)

        def adversarial_pass(x_adv, call):
            features = encode(x_adv, call)
            return reconstruction(features, call), features

        target = x if rows is None else x[rows]
        return aemim_step(
            x,
            clean_pass,
            encode,
            adversarial_pass,
            reconstruction,
            swap=self.swap,
            attack=attack,
            mean=column(MEAN),
            std=column(STD),
            rows=rows,
            **options,
        )


def batch(num=6):
    return images(num), (torch.rand(num, 16, 1) > 0.5).float()


def reference(trained, x, mask, rows, epsilon, num_steps, noise):
    """Algorithm 1 line by line, with tensors of its own everywhere."""
    model, std = trained.model, column(STD)
    clean = {k: v.clone() for k, v in model.state_dict().items()}
    phi_a = {k: v.clone() for k, v in trained.bank.state_dict().items()}

    def run(adapters, images, mask):
        # Buffers are copied: this function moves no statistic.
        state = copy.deepcopy({**clean, **adapters})
        return functional_call(model, state, (images, mask))

    low, high = (0 - column(MEAN)) / std, (255 - column(MEAN)) / std
    features, image = run({}, x, mask)
    loss_clean = (image - x).square().mean()
    x, mask, z_c = x[rows], mask[rows], features[rows]
    x_a = (x + noise * epsilon / std).clamp(low, high)
    for _ in range(num_steps):
        x_a = x_a.detach().requires_grad_()
        distance = (run(phi_a, x_a, mask)[0] - z_c).square().sum()
        (grad,) = torch.autograd.grad(distance, x_a)
        x_a = x_a + epsilon / num_steps / std * grad.sign()
        x_a = torch.maximum(x_a, x - epsilon / std)
        x_a = torch.minimum(x_a, x + epsilon / std).clamp(low, high).detach()
    features, image = run(phi_a, x_a, mask)
    end = (features - z_c).square().sum((1, 2)).mean()
    return loss_clean, (image - x).square().mean(), x_a, end


@encoders
@pytest.mark.parametrize('rows', [None, [1, 4]])
@pytest.mark.parametrize('num_steps', [1, 3])
def test_is_algorithm_1(encoder, rows, num_steps):
    trained, (x, mask) = Trained(encoder), batch()
    chosen = list(range(6)) if rows is None else rows
    torch.manual_seed(1)
    noise = 2 * torch.rand_like(x[chosen]) - 1
    expected = reference(trained, x, mask, chosen, 4, num_steps, noise)
    torch.manual_seed(1)
    step = trained.step(x, mask, FeatureDistancePGD(4, num_steps), rows)
    actual = (step.clean, step.adv, step.x_adv, step.distance_end)
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    assert step.rows == rows and len(step.encoder_output) == 6
    assert step.distance_end > step.distance_start > 0
    change = (to_pixels(step.x_adv) - to_pixels(x[chosen])).abs()
    assert 3.9 < change.max() <= 4 + 1e-3


def test_statistics_move_once_in_a_step_for_each_domain():
    """Not once for each step of the attack."""
    trained, (x, mask) = Trained(batch_norm), batch()
    norm, twin = (
        trained.model.encoder[1],
        trained.bank.encoder.get_submodule('1'),
    )
    seen = []
    norm.register_forward_hook(
        lambda module, args, output: seen.append(args[0].detach())
    )
    trained.step(x, mask, FeatureDistancePGD(num_steps=5), [0, 3])
    clean, *attacked, adversarial = seen
    assert len(attacked) == 5
    for domain, tokens in ((norm, clean), (twin, adversarial)):
        assert domain.num_batches_tracked == 1
        torch.testing.assert_close(
            domain.running_mean, 0.1 * tokens.mean((0, 1))
        )


@encoders
def test_every_parameter_learns_in_one_backward_pass(encoder):
    trained, (x, mask) = Trained(encoder), batch()
    calls = []
    parameters = [*trained.model.parameters(), *trained.bank.parameters()]
    for parameter in parameters:
        parameter.register_post_accumulate_grad_hook(calls.append)
    step = trained.step(x, mask, FeatureDistancePGD())
    assert not calls and all(p.grad is None for p in parameters)
    (0.3 * step.clean + 0.7 * step.adv).backward()
    assert len(calls) == len(parameters)
    assert all(p.grad.abs().sum() > 0 for p in parameters)


@encoders
@pytest.mark.parametrize('rows', [None, [0, 5]])
def test_deferred_gradients_are_the_same(encoder, rows):
    found = []
    start = Trained(encoder)
    for deferred in (None, DeferredGradients()):
        trained, (x, mask) = copy.deepcopy(start), batch()
        mask = (mask * 0 + 1) * (torch.arange(16) % 2)[:, None]
        torch.manual_seed(2)
        step = trained.step(
            x, mask, FeatureDistancePGD(), rows, deferred=deferred
        )
        (0.3 * step.clean + 0.7 * step.adv).backward()
        found.append(
            [step.clean, step.adv]
            + [p.grad for p in trained.model.parameters()]
            + [p.grad for p in trained.bank.parameters()]
        )
    for joint, sequential in zip(*found, strict=True):
        torch.testing.assert_close(sequential, joint, rtol=1e-4, atol=1e-7)


def test_dropout_is_off_in_the_attack_and_its_reference():
    trained, (x, mask) = Trained(vit, dropout=0.5), batch()
    for twin, own in zip(
        trained.bank.parameters(),
        AdapterBank(trained.model).parameters(),
        strict=True,
    ):
        twin.data.copy_(own)
    step = trained.step(x, mask, FeatureDistancePGD(epsilon=0))
    assert step.distance_start < 1e-6 < 0.1 < step.distance_end
    assert trained.model.dropout.training


def test_an_attack_on_the_reconstruction():
    trained, (x, mask) = Trained(vit), batch()
    losses = {}
    for distance in ('l2', 'reconstruction'):
        attack = FeatureDistancePGD(8, 4, distance=distance)
        torch.manual_seed(0)
        losses[distance] = trained.step(x, mask, attack).adv
    assert losses['reconstruction'] > losses['l2']


def test_an_error_in_a_pass_leaves_the_model_as_it_was():
    trained, (x, mask) = Trained(vit), batch()
    own = dict(trained.model.named_parameters())

    def fail(*args):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trained.step(x, mask, fail)
    for name, parameter in trained.model.named_parameters():
        assert parameter is own[name]


def test_what_belongs_to_images_comes_to_the_passes_by_rows():
    x = torch.arange(6.0).reshape(3, 2)
    call = EncoderCall(
        [x], x + 1, ((x + 2,), {'a': x + 3}), x + 4, (x + 5,), x
    )
    some = call.of(BatchSubset([2, 0], 3))
    rows = x[[2, 0]]
    assert torch.equal(some.mask, rows + 1)
    assert torch.equal(some.arguments[0][0], rows + 2)
    assert torch.equal(some.arguments[1]['a'], rows + 3)
    assert torch.equal(some.output, rows + 4)
    assert torch.equal(some.targets[0], rows + 5)
    assert torch.equal(some.image, rows) and some.attacked(x) is some.image


def test_distances_are_the_attacks_own_and_a_loss_is_optional():
    trained, (x, mask) = Trained(vit), batch()
    model = trained.model

    def attack(encode, x, reference, mean, std, loss):
        assert loss is None
        return x

    attack.measure = lambda features, reference: torch.full((6,), 7.0)
    step = aemim_step(
        x,
        lambda: (torch.zeros(()), EncoderCall([model.encode(x, mask)])),
        lambda images, call: [model.encode(images, mask)],
        lambda x_adv, call: (torch.zeros(()), [model.encode(x_adv, mask)]),
        swap=trained.swap,
        attack=attack,
        mean=column(MEAN),
        std=column(STD),
    )
    assert step.distance_start == step.distance_end == 7


def test_a_custom_attack_needs_no_measure_and_may_not_encode():
    trained, (x, mask) = Trained(vit), batch()
    step = trained.step(x, mask, lambda encode, x, *rest: x)
    assert torch.equal(step.x_adv, x) and step.distance_start == 0
    assert step.distance_end > 0  # phi_a differs from phi_c


@pytest.mark.parametrize('rows', [None, [1, 4]])
def test_the_attack_starts_from_an_image_of_the_model_s_own(rows):
    trained, (x, mask) = Trained(vit), batch()
    image = images(6, seed=1)
    attack = FeatureDistancePGD(epsilon=3)
    step = trained.step(x, mask, attack, rows, image)
    chosen = image if rows is None else image[rows]
    change = (to_pixels(step.x_adv) - to_pixels(chosen)).abs().max()
    assert 3 - 1e-2 < change <= 3 + 1e-3


def test_features_that_are_no_sequence_are_named():
    with pytest.raises(TypeError, match=r'write \[features\].*\(2, 3\)'):
        EncoderCall(torch.zeros(2, 3))
    model, (x, mask) = Patches(vit()), batch()
    trained = Trained(vit)
    with pytest.raises(TypeError, match=r'let encode\(\) return \[features\]'):
        aemim_step(
            x,
            lambda: (torch.zeros(()), EncoderCall([model.encode(x, mask)])),
            lambda images, call: model.encode(images, mask),
            lambda x_adv, call: None,
            swap=trained.swap,
            attack=FeatureDistancePGD(),
            mean=column(MEAN),
            std=column(STD),
        )
