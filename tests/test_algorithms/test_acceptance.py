# Copyright (c) aemim_mm contributors. All rights reserved.
"""Every MIM method of mmpretrain under AEMIM, against itself.

The stock algorithm and the equations decide: what the model computes is
compared with the stock class on the same weights, mask and images.
"""

import copy
import gc
import weakref

import pytest
import torch
from states import assert_equal_states
from torch import nn
from toys import (
    HAS_CLS_TOKEN,
    METHODS,
    SparseHelper,
    attack,
    batch,
    build_aemim,
    build_stock,
    grads,
    move_twins,
    seeded,
    stock_loss,
    to_pixels,
    total_loss,
)

from aemim_mm.core.adapter_bank import NORM_TYPES
from aemim_mm.core.batch_subset import BatchSubset

toys = pytest.mark.parametrize('toy', list(METHODS))


def source(inputs):
    """The first view."""
    return inputs[0] if isinstance(inputs, list) else inputs


def attacked(model, inputs):
    """A list whose first item, after a step, are the images it attacks.

    Those of the batch; of CIM the corrupted ones, which the encoder is shown
    first.
    """
    images = [] if model.method_rule.own_image else [source(inputs)]
    model.backbone.register_forward_pre_hook(
        lambda module, args: images.append(args[0].detach())
    )
    return images


@pytest.mark.parametrize(
    'toy, adapters',
    [
        *((toy, ('norm', 'cls_token')) for toy in HAS_CLS_TOKEN),
        *((toy, ('norm',)) for toy in METHODS if toy not in HAS_CLS_TOKEN),
        ('MAE-DualNormViT', ('norm',)),
        ('MAE-DualNormViT', ()),
    ],
)
def test_epsilon_zero_equals_stock(toy, adapters):
    """One mask in both passes, and both branches start from the stock."""
    stock = build_stock(toy)
    model = build_aemim(
        toy, stock, adapters=adapters, attack=attack(epsilon=0)
    )
    expected = stock_loss(seeded(stock.loss, *batch(toy)))
    losses = seeded(model.loss, *batch(toy))
    for name in ('recon_clean', 'recon_adv'):
        torch.testing.assert_close(losses[name], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(total_loss(losses), expected)
    assert losses['distance_end'] < 1e-5


@toys
def test_loss_ratio_one_gives_stock_gradients(toy):
    stock = build_stock(toy)
    model = build_aemim(toy, stock, adapters=(), loss_ratio=1)
    stock_loss(seeded(stock.loss, *batch(toy))).backward()
    total_loss(seeded(model.loss, *batch(toy))).backward()
    expected, actual = grads(stock), grads(model)
    assert expected.keys() == actual.keys() and expected
    for name in expected:
        torch.testing.assert_close(
            actual[name], expected[name], atol=1e-6, rtol=1e-4
        )


@toys
def test_state_dict_keys_are_stock_plus_bank(toy):
    stock, model = build_stock(toy), build_aemim(toy)
    keys = [k for k in model.state_dict() if not k.startswith('adv.')]
    assert keys == list(stock.state_dict())
    trained = copy.copy(stock)
    trained._modules = {
        n: m
        for n, m in stock._modules.items()
        if n not in ('target_generator', 'teacher', 'data_preprocessor')
        # CIM's generator runs in the clean pass alone
        and n != 'generator'
    }
    norms = {
        f'{name}.{tensor}'
        for name, module in trained.named_modules()
        # By name, so that a class that the bank overlooks is found.
        if isinstance(module, NORM_TYPES) or 'Norm' in type(module).__name__
        for tensor in module.state_dict()
    }
    twins = {k[4:] for k in model.state_dict() if k.startswith('adv.')}
    assert twins == norms and len(norms) >= 10


@toys
@pytest.mark.parametrize('num_steps, adv_ratio', [(1, 1.0), (3, 0.5)])
def test_adversarial_examples_stay_in_ball_and_box(toy, num_steps, adv_ratio):
    epsilon = 3.0
    model = build_aemim(
        toy,
        attack=attack(epsilon=epsilon, num_steps=num_steps),
        adv_ratio=adv_ratio,
    )
    inputs, samples = batch(toy)
    images = attacked(model, inputs)
    step = seeded(model.step, inputs, samples)
    rows = list(step.rows or range(4))
    assert len(rows) == 4 * adv_ratio == len(step.x_adv)
    pixels = to_pixels(step.x_adv)
    change = (pixels - to_pixels(images[0][rows])).abs()
    assert epsilon - 1e-2 < change.max() <= epsilon + 1e-3
    assert pixels.min() >= -1e-3 and pixels.max() <= 255 + 1e-3
    # Batch statistics of some rows are not those of the whole batch, whose
    # features are the reference.
    if not (METHODS[toy].batch_norm and adv_ratio < 1):
        assert step.distance_end > 1.3 * step.distance_start


@pytest.mark.parametrize(
    'toy, distance',
    [
        *((toy, name) for toy in METHODS for name in ('l2', 'reconstruction')),
        *((toy, 'kl') for toy in ('MAE-DualNormViT', 'SparK-ResNet')),
    ],
)
def test_attack_raises_its_own_objective(toy, distance):
    """More than noise of the same size does, for every distance."""

    def noise(encode, x, reference, mean, std, loss=None):
        encode(x)
        return x + (torch.rand_like(x) - 0.5).sign() * 8 / std

    def objective(replacement=None):
        model = build_aemim(toy, attack=attack(epsilon=8, distance=distance))
        if replacement:
            replacement.measure = model.attack.measure
            model.attack = replacement
        losses = seeded(model.loss, *batch(toy))
        if distance == 'reconstruction':
            return losses['recon_adv']
        return losses['distance_end']

    assert objective() > objective(noise)


@toys
def test_reconstruction_distance_is_the_adversarial_loss(toy):
    """Decoded with phi_a under the same mask, against the clean target."""
    model = move_twins(build_aemim(toy, adv_ratio=0.5))
    seen = {}

    def chosen(encode, x, reference, mean, std, loss=None):
        x_adv = x + 0.1
        features = encode(x_adv)
        # Nothing but pixels can be differentiated: no weight is in the graph.
        assert not any(f.requires_grad for f in features)
        seen['loss'] = loss(features)
        return x_adv

    model.attack = chosen
    losses = seeded(model.loss, *batch(toy))
    torch.testing.assert_close(seen['loss'], losses['recon_adv'])
    assert (losses['recon_adv'] - losses['recon_clean']).abs() > 1e-4


@toys
def test_attack_leaves_gradients_hooks_and_buffers_alone(toy):
    """Parameters learn from the two passes alone, and once from each."""
    chosen = attack(num_steps=3, distance='reconstruction')
    model = build_aemim(toy, attack=chosen)
    calls = []
    trainable = [p for p in model.parameters() if p.requires_grad]
    for parameter in trainable:
        parameter.register_hook(lambda grad: calls.append(1))
    buffers = dict(model.named_buffers())
    stock_attack, changed = model.attack, []

    def watch(*args):
        before = {n: b.clone() for n, b in buffers.items()}
        x_adv = stock_attack(*args)
        changed.extend(
            n for n, b in buffers.items() if not torch.equal(b, before[n])
        )
        return x_adv

    model.attack = watch
    losses = model.loss(*batch(toy))
    assert not changed and not calls and not grads(model)
    total_loss(losses).backward()
    assert len(calls) == len(grads(model)) > 20


@pytest.mark.parametrize('toy', [t for t in METHODS if METHODS[t].batch_norm])
def test_batch_norm_counts_one_batch_in_each_branch(toy):
    model = build_aemim(toy, attack=attack(num_steps=3, distance='kl'))
    model.loss(*batch(toy))
    counters = {
        n: b.item()
        for n, b in model.named_buffers()
        if n.endswith('num_batches_tracked')
    }
    assert set(counters.values()) == {1}
    assert {n for n in counters if n.startswith('adv.')} == {
        f'adv.{n}' for n in counters if not n.startswith('adv.')
    }


@toys
def test_attack_survives_fp16_gradients(toy):
    """A distance that is summed has gradients that fp16 can hold."""
    model = build_aemim(toy)
    inputs, samples = batch(toy)
    shares = []

    def probe(encode, x, reference, mean, std, loss=None):
        x = (x + 0.5 * (torch.rand_like(x) - 0.5) / std).requires_grad_()
        maps = encode(x)
        distance = stock_attack.measure(maps, reference).sum()
        gradients = torch.autograd.grad(distance, [*maps, x])
        for exact in gradients:
            rounded = exact.half()
            assert rounded.isfinite().all()
            shares.append((rounded[exact != 0] != 0).float().mean())
        return x.detach()

    stock_attack = model.attack
    probe.measure = stock_attack.measure
    model.attack = probe
    seeded(model.loss, inputs, samples)
    # The maps' own gradients do not underflow, the pixels' hardly.
    assert shares[-1] > 0.7 and min(shares[:-1]) > 0.99


@toys
@pytest.mark.parametrize('bf16', [False, True])
def test_every_parameter_gets_a_gradient(toy, bf16):
    """In stock, too; both adapter sets, with two rows of four."""
    if toy == 'MaskFeat' and bf16:
        # mmpretrain's HOG needs CUDA's autocast, which takes norms in fp32.
        with (
            torch.autocast('cpu', torch.bfloat16),
            pytest.raises(RuntimeError, match='scatter'),
        ):
            build_stock(toy).loss(*batch(toy))
        return
    adapters = ('norm', 'cls_token') if toy in HAS_CLS_TOKEN else ('norm',)
    stock = build_stock(toy)
    model = build_aemim(toy, stock, adapters=adapters, adv_ratio=0.5)
    for network in (stock, move_twins(model)):
        with torch.autocast('cpu', torch.bfloat16, enabled=bf16):
            losses = seeded(network.loss, *batch(toy))
        total_loss(losses).backward()
    expected, actual = grads(stock), grads(model)
    assert {n for n in actual if not n.startswith('adv.')} == set(expected)
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trainable == actual.keys()
    for name, grad in actual.items():
        assert grad.isfinite().all(), name
        clean = name.removeprefix('adv.')
        sizes = [grad.abs().max(), expected[clean].abs().max()]
        if clean not in METHODS[toy].untrained:
            assert min(sizes) > 1e-7, name
        elif not bf16:  # nothing but rounding
            assert max(sizes) < 1e-8, name


def build_swapped(toy, model):
    """The stock algorithm with the adversarial adapters."""
    swapped, state = build_stock(toy), model.state_dict()
    swapped.load_state_dict(
        {k: state.get(f'adv.{k}', state[k]) for k in swapped.state_dict()}
    )
    return swapped


@toys
def test_adversarial_loss_is_the_stock_loss_with_x_adv_at_the_encoder(toy):
    """L_a by other means: a stock model with phi_a, x_a put in by hand."""
    model = move_twins(build_aemim(toy, attack=attack(epsilon=8)))
    swapped = build_swapped(toy, model)
    step = seeded(model.step, *batch(toy))

    def put_in(module, args):
        image = step.x_adv
        if METHODS[toy].method == 'SparK':
            active = SparseHelper._cur_active.float()
            image = image * nn.functional.interpolate(active, image.shape[2:])
        assert args[0].shape == image.shape
        return (image, *args[1:])

    swapped.backbone.register_forward_pre_hook(put_in)
    expected = seeded(swapped.loss, *batch(toy))
    for key, value in expected.items():
        torch.testing.assert_close(step.adv[key], value, atol=1e-5, rtol=1e-5)
    # The target has not moved with the image.
    clean = stock_loss(step.clean)
    assert (stock_loss(step.adv) - clean).abs() > 1e-4 * clean.abs()


@pytest.mark.parametrize(
    'toy', [name for name, toy in METHODS.items() if not toy.batch_norm]
)
def test_loss_of_rows_is_the_stock_loss_of_these_images(toy):
    """L_a at epsilon 0 is a mean over the R rows: images, masks, targets."""
    model = build_aemim(toy, adv_ratio=0.5, attack=attack(epsilon=0))
    stock = build_swapped(toy, move_twins(model))
    drawn = []

    clean_pass = model.passes.clean_pass

    def watch(*args):
        losses, call = clean_pass(*args)
        drawn.append(call.mask)
        return losses, call

    model.passes.clean_pass = watch
    inputs, samples = batch(toy, 6)
    step = seeded(model.step, inputs, samples)
    rows = BatchSubset(step.rows, 6)
    if drawn[0] is not None:
        draw = model.passes.draw
        setattr(
            stock if model.passes.drawer is model else stock.backbone,
            draw.name,
            lambda *args: draw.replay(rows.of(drawn[0]), *args),
        )
    expected = stock.loss(rows.of(inputs), rows.of(samples))
    assert 3 <= len(step.rows) <= 4
    for key, value in expected.items():
        torch.testing.assert_close(step.adv[key], value, atol=1e-5, rtol=1e-5)


@toys
def test_deep_copy_trains_on_its_own(toy):
    """As mmengine's EMAHook makes one before training."""
    model = build_aemim(toy)
    before = copy.deepcopy(model.state_dict())
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=1.0)
    total_loss(twin.loss(*batch(toy))).backward()
    optimizer.step()
    assert not grads(model)
    assert_equal_states(model, before)
    state = twin.state_dict()
    moved = [n for n in before if not torch.equal(before[n], state[n])]
    assert any(n.startswith('adv.') for n in moved)
    assert any(n.startswith('backbone.') for n in moved)


@toys
def test_nothing_of_a_step_is_kept(toy):
    model = build_aemim(toy, adv_ratio=0.5)
    clean_pass, seen = model.passes.clean_pass, []

    def watch(*args):
        losses, call = clean_pass(*args)
        seen.extend(weakref.ref(features) for features in call.features)
        return losses, call

    model.passes.clean_pass = watch
    for _ in range(2):  # with the checks of the first step and without
        x_adv = model.step(*batch(toy)).x_adv
        assert x_adv.grad_fn is None
    gc.collect()
    assert len(seen) >= 2 and all(tensor() is None for tensor in seen)


@toys
def test_on_manifold_examples(toy):
    """WaveletPGD in place of FeatureDistancePGD, over every method."""
    pytest.importorskip('pywt')
    model = build_aemim(toy, attack=dict(type='WaveletPGD', budget=0.5))
    move_twins(model)
    losses = seeded(model.loss, *batch(toy))
    total_loss(losses).backward()
    assert all(torch.isfinite(value).all() for value in losses.values())
    assert losses['distance_end'] > losses['distance_start'] > 0
