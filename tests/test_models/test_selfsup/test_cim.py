# Copyright (c) aemim_mm contributors. All rights reserved.
"""CIM-RESPIX: golden tokens, sampled tokens, and where gradients go."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mim_toys import METHODS
from mmpretrain.registry import MODELS
from pixels import to_pixels
from toys import batch, build_stock, grads, total_loss

from aemim_mm.models.selfsup import CIM


@pytest.fixture
def model():
    """With decoded images that go from black to white."""
    model = build_stock('CIM')
    output = model.target_generator.decoder.blocks.output.conv
    output.w.data.mul_(30)
    output.b.data.fill_(-10)
    return model


def watched(model):
    """What the tokenizer, the generator and the decoder did."""
    seen = {}
    tokenizer = model.target_generator
    tokenizer.encoder.register_forward_hook(
        lambda m, args, out: seen.update(golden=out.argmax(1).flatten(1))
    )
    tokenizer.decoder.register_forward_hook(
        lambda m, args, out: seen.update(
            tokens=args[0].flatten(1), decoded=out
        )
    )
    model.generator.register_forward_hook(
        lambda m, args, out: seen.update(ids=args[1], logits=out)
    )
    model.backbone.register_forward_hook(
        lambda m, args, out: seen.update(shown=args[0], features=out[-1])
    )
    return seen


def test_losses_by_hand(model):
    seen = watched(model)
    inputs, _ = batch('CIM')
    losses = model.loss(inputs)
    assert set(losses) == {'loss_generator', 'loss_enhancer'}
    expected = F.cross_entropy(
        seen['logits'].flatten(0, 1),
        seen['golden'].gather(1, seen['ids']).flatten(),
    )
    torch.testing.assert_close(losses['loss_generator'], expected)
    head = model.head
    error = head.pred(seen['features'][:, 1:]) - head.construct_target(
        inputs[0]
    )
    torch.testing.assert_close(losses['loss_enhancer'], error.square().mean())


def test_tokens_are_golden_but_where_masked(model):
    seen = watched(model)
    model.loss(*batch('CIM', 16))
    masked = torch.zeros_like(seen['golden']).scatter(1, seen['ids'], 1).bool()
    assert (masked.sum(1) == 8).all()  # different places of 16, half of them
    assert len(masked.unique(dim=0)) > 8
    differs = seen['tokens'] != seen['golden']
    assert not differs[~masked].any()
    assert differs[masked].float().mean() > 0.2


def test_the_enhancer_sees_the_decoded_image_in_its_range(model):
    """Black of the tokenizer's range is black, white is white."""
    seen = watched(model)
    model.loss(*batch('CIM'))
    # second_mean and second_std of the toy, OpenAI's map of pixels undone.
    expected = ((seen['decoded'] - 0.1) / 0.8).clamp(0, 1) * 255
    torch.testing.assert_close(
        to_pixels(seen['shown']), expected, atol=1e-2, rtol=1e-4
    )
    # So that the clamp is needed.
    assert seen['decoded'].min() < 0.1 and seen['decoded'].max() > 0.9


def test_all_golden_tokens_give_the_golden_decode(model):
    """With a generator that is always right."""
    seen = watched(model)
    inputs, _ = batch('CIM')
    golden = model.target_generator(inputs[1])

    def right(x, ids):
        tokens = golden.flatten(1).gather(1, ids)
        return 1e4 * F.one_hot(tokens, 16).float()

    model.generator.forward = right
    losses, corrupted = model.corrupt(inputs)
    assert losses.abs().max() == 0 and losses.shape == (4,)
    assert torch.equal(seen['tokens'], golden.flatten(1))
    expected = model._as_first_view(
        model.target_generator.decode(golden), inputs[0].shape[2:]
    )
    assert torch.equal(corrupted, expected)


def test_the_corrupted_image_grows_to_the_enhancer_s_size(model):
    """224 pixels of 112, without leaving the pixel box."""
    inputs, _ = batch('CIM')
    large = F.interpolate(inputs[0], scale_factor=2)
    model.generator.forward = lambda x, ids: torch.zeros(*ids.shape, 16)
    _, corrupted = model.corrupt([large, inputs[1]])
    assert corrupted.shape == large.shape
    pixels = to_pixels(corrupted)
    assert pixels.min() >= -1e-3 and pixels.max() <= 255 + 1e-3
    # Each pixel of the decode lies in the middle of four.
    seen = watched(model)
    torch.manual_seed(0)
    _, corrupted = model.corrupt([large, inputs[1]])
    mean = F.avg_pool2d(to_pixels(corrupted), 2)[..., 1:-1, 1:-1]
    decoded = (seen['decoded'] * 318.75 - 31.875).clamp(0, 255)
    inner = F.conv2d(
        decoded.flatten(0, 1)[:, None],
        torch.tensor([[1.0, 6, 1], [6, 36, 6], [1, 6, 1]])[None, None] / 64,
    )
    torch.testing.assert_close(mean, inner.view_as(mean), atol=1e-2, rtol=1e-3)


def test_sampling_follows_the_distribution():
    torch.manual_seed(0)
    probabilities = torch.tensor([0.1, 0.2, 0.7])
    logits = probabilities.log().expand(20000, 3) + 5  # a constant is nothing
    drawn = CIM.sample(logits)
    share = drawn.bincount(minlength=3) / 20000
    torch.testing.assert_close(share, probabilities, atol=0.015, rtol=0)


def test_each_loss_trains_its_own_network(model):
    """No gradient through samples or decoder; none into the tokenizer."""
    for key, own, other in (
        ('loss_generator', ('generator.',), ('backbone.', 'head.')),
        ('loss_enhancer', ('backbone.', 'head.'), ('generator.',)),
    ):
        model.zero_grad(set_to_none=True)
        model.loss(*batch('CIM'))[key].backward()
        found = {n for n, g in grads(model).items() if g.abs().max() > 0}
        assert found and all(n.startswith(own) for n in found)
        names = [n for n, _ in model.named_parameters()]
        assert {n for n in names if n.startswith(own)} <= found
        assert any(n.startswith(other) for n in names)
    assert not any(
        p.requires_grad for p in model.target_generator.parameters()
    )
    model.train()
    assert not model.target_generator.encoder.training


def test_both_networks_learn(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    torch.manual_seed(0)
    first = last = None
    for _ in range(20):
        losses = model.loss(*batch('CIM'))
        optimizer.zero_grad()
        total_loss(losses).backward()
        optimizer.step()
        last = {k: v.item() for k, v in losses.items()}
        first = first or last
    assert all(last[key] < 0.95 * first[key] for key in first)


def test_bf16_autocast(model, monkeypatch):
    inputs, samples = batch('CIM')
    # Rounded logits would change some of the tokens: these are fixed.
    golden = model.target_generator(inputs[1])
    monkeypatch.setattr(model.target_generator, 'forward', lambda x: golden)
    drawn = torch.zeros_like(golden).flatten(1)
    monkeypatch.setattr(
        model, 'sample', lambda logits: drawn[:, : logits.shape[1]]
    )
    torch.manual_seed(0)
    exact = model.loss(inputs, samples)
    torch.manual_seed(0)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(inputs, samples)
    for name, value in exact.items():
        torch.testing.assert_close(losses[name], value, atol=0.02, rtol=0.02)
    total_loss(losses).backward()
    assert all(g.isfinite().all() for g in grads(model).values())


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(mask_ratio=1.0), r'mask_ratio=1.0 must be in \(0, 1\)'),
        (
            dict(data_preprocessor=dict(type='SelfSupDataPreprocessor')),
            'CIM needs the image in two sizes',
        ),
    ],
)
def test_what_cannot_work_is_refused(change, message):
    cfg = {**copy.deepcopy(METHODS['CIM'].cfg), **change}
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(type='CIM', **cfg))
