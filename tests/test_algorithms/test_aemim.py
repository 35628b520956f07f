# Copyright (c) aemim_mm contributors. All rights reserved.
"""The step of AEMIM over MAE, in detail."""

import copy
import pickle

import pytest
import torch
from mmpretrain.models.selfsup import MAE
from mmpretrain.registry import MODELS
from states import assert_equal_states
from toys import (
    METHODS,
    attack,
    build_aemim,
    column,
    grads,
    images,
    mae_cfg,
    seeded,
    total_loss,
)

from aemim_mm.algorithms import AEMIMAlgorithm
from aemim_mm.core import call_swapped

toys = pytest.mark.parametrize(
    'toy', ['MAE-stock-backbone', 'MAE-DualNormViT']
)


def test_is_the_stock_algorithm_too():
    model = build_aemim('MAE-stock-backbone')
    assert isinstance(model, MAE)
    features = model.extract_feat(images(2))
    assert features[0].shape == (2, 17, 32)


def test_bf16_gradients_equal_fp32_gradients_roughly():
    """The autocast weight cache must not lose a branch's gradient."""
    results = []
    for bf16 in (False, True):
        model = build_aemim('MAE-DualNormViT', attack=attack(epsilon=0))
        torch.manual_seed(5)
        with torch.autocast('cpu', torch.bfloat16, enabled=bf16):
            losses = model.loss(images(4), None)
        total_loss(losses).backward()
        results.append(grads(model))
    for name, expected in results[0].items():
        error = (results[1][name] - expected).norm() / expected.norm()
        assert error < 0.1, name


def test_rows_are_drawn_anew_and_at_least_one():
    model = build_aemim('MAE-DualNormViT', adv_ratio=0.25)
    assert len(model.choose_rows(16)) == 4
    assert len(model.choose_rows(2)) == 1
    assert len(model.choose_rows(1) or [0]) == 1
    draws = {tuple(model.choose_rows(16)) for _ in range(20)}
    assert len(draws) > 10
    assert all(len(set(d)) == 4 and max(d) < 16 for d in draws)
    model.adv_ratio = 1.0
    assert model.choose_rows(16) is None


def test_drop_path_is_off_for_the_attack_only():
    cfg = mae_cfg('DualNormViT', drop_path_rate=0.5)
    model = build_aemim('MAE-DualNormViT', cfg=cfg, attack=attack(epsilon=0))
    x = images(8)
    model.backbone.train()
    step = model.step(x, None)
    # With it on, the distance at the start would be far from 0.
    assert step.distance_start < 1e-5
    assert step.distance_end > 0.1
    assert all(m.training for m in model.modules() if hasattr(m, 'drop_prob'))


def test_drop_path_with_rows_and_bf16():
    """The reference is computed anew; every parameter still learns."""
    cfg = mae_cfg('DualNormViT', drop_path_rate=0.3)
    model = build_aemim('MAE-DualNormViT', cfg=cfg, adv_ratio=0.5)
    model.backbone.train()
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(images(8), None)
    total_loss(losses).backward()
    assert losses['distance_start'] < 10
    gradients = grads(model)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert gradients[name].abs().max() > 0, name


@toys
def test_reconstruction_attack_survives_fp16_and_a_large_batch(toy):
    """The loss is divided as by a batch of ten thousands of images."""
    chosen = attack(distance='reconstruction', random_start=False, num_steps=1)
    model = build_aemim(toy, attack=chosen)
    head_loss = model.head.loss
    model.head.loss = lambda *args: head_loss(*args) / 1e4
    x = images(4)
    with torch.autocast('cpu', torch.float16):
        step = model.step(x, None)
    moved = (step.x_adv != x).any(1).unfold(1, 8, 8).unfold(2, 8, 8)
    share = moved.float().mean((-1, -2)).flatten(1)
    visible = step.encoder_output[1] == 0
    assert share[visible].mean() > 0.95
    assert share[~visible].max() == 0


def test_log_names_and_parsed_loss():
    model = build_aemim('MAE-DualNormViT', loss_ratio=0.25, adv_ratio=0.5)
    losses = model.loss(images(4), None)
    assert list(losses) == [
        'loss_clean', 'loss_adv', 'recon_clean', 'recon_adv',
        'distance_start', 'distance_end',
    ]  # fmt: skip
    parsed, _ = model.parse_losses(losses)
    torch.testing.assert_close(
        parsed, 0.25 * losses['recon_clean'] + 0.75 * losses['recon_adv']
    )
    assert not losses['recon_clean'].requires_grad


def test_pickle_round_trip():
    model = build_aemim('MAE-DualNormViT')
    twin = pickle.loads(pickle.dumps(model))
    assert type(twin) is type(model) and isinstance(twin, MAE)
    x = images(4)
    expected, actual = seeded(model.loss, x, None), seeded(twin.loss, x, None)
    assert torch.equal(actual['loss_adv'], expected['loss_adv'])


class FirstRows(AEMIMAlgorithm):
    """A variant with an argument and a rule of its own."""

    def __init__(self, *, rows=2, **kwargs):
        super().__init__(**kwargs)
        self.rows = rows

    def choose_rows(self, batch_size):
        return list(range(self.rows))


def test_a_subclass_is_joined_with_its_method():
    cfg = copy.deepcopy(METHODS['MAE-DualNormViT'].cfg)
    model = FirstRows(method='MAE', rows=3, **cfg)
    assert isinstance(model, FirstRows) and isinstance(model, MAE)
    twin = pickle.loads(pickle.dumps(model))
    assert type(twin) is type(model) and twin.rows == 3
    losses = model.loss(images(4), None)
    assert losses['loss_adv'].isfinite()
    assert model.step(images(4), None).x_adv.shape[0] == 3
    plain = build_aemim('MAE-DualNormViT')
    assert not isinstance(plain, FirstRows)
    assert model.state_dict().keys() == plain.state_dict().keys()


class ByHand(AEMIMAlgorithm, MAE):
    """Joined with its method already, which it names itself."""

    def __init__(self, **kwargs):
        super().__init__(method='MAE', **kwargs)


def test_a_class_that_was_joined_by_hand():
    model = ByHand(**copy.deepcopy(METHODS['MAE-DualNormViT'].cfg))
    assert type(model) is ByHand
    assert type(copy.deepcopy(model)) is ByHand


def test_second_init_weights_changes_nothing():
    model = build_aemim('MAE-DualNormViT')
    model.init_weights()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0 + torch.rand_like(parameter))
    before = copy.deepcopy(model.state_dict())
    model.init_weights()
    assert_equal_states(model, before)


def test_layer_depth_of_a_twin():
    model = build_aemim('MAE-DualNormViT', adapters=('norm', 'cls_token'))
    for name in model.adv.tensors():
        assert model.get_layer_depth(f'adv.{name}') == model.get_layer_depth(
            name
        )
    assert model.get_layer_depth('adv.backbone.cls_token')[0] == 0
    assert model.get_layer_depth('adv.backbone.layers.1.ln1.bias')[0] == 2


def test_swap_ends_with_the_step():
    model = build_aemim('MAE-DualNormViT')
    weight = model.backbone.ln1.weight
    model.loss(images(2), None)
    assert model.backbone.ln1.weight is weight
    with pytest.raises(ZeroDivisionError):
        call_swapped(model, model.adv.tensors(), lambda: 1 / 0)
    assert model.backbone.ln1.weight is weight


def test_budget_is_in_pixels_whatever_the_normalisation():
    cfg = mae_cfg('DualNormViT')
    cfg['data_preprocessor'] = dict(mean=[10.0, 20, 30], std=[1.0, 5, 200])
    model = build_aemim('MAE-DualNormViT', cfg=cfg, attack=attack(epsilon=2))
    pixels = torch.full((2, 3, 32, 32), 100.0)
    mean, std = column([10.0, 20, 30]), column([1.0, 5, 200])
    x_adv = model.step((pixels - mean) / std, None).x_adv
    change = (x_adv * std + mean - pixels).abs()
    assert change.amax((0, 2, 3)).tolist() == pytest.approx([2, 2, 2], 1e-3)


def test_stock_config_is_not_changed():
    cfg = dict(type='AEMIMAlgorithm', method='MAE', **mae_cfg())
    before = copy.deepcopy(cfg)
    MODELS.build(cfg)
    assert cfg == before
