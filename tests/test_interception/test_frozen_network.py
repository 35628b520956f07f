# Copyright (c) aemim_mm contributors. All rights reserved.
"""Target networks: frozen, in eval mode, run once in a step."""

import copy

import pytest
import torch
from mmpretrain.registry import MODELS
from toys import (
    METHODS,
    ToyMIM,
    attack,
    batch,
    build_aemim,
    build_stock,
    build_toy_mim,
    grads,
    images,
    masks,
    move_twins,
)

from aemim_mm.core import BatchSubset
from aemim_mm.interception.frozen_network import (
    remembered_targets,
    repeated_targets,
)
from aemim_mm.interception.rules import METHODS as METHOD_RULES
from aemim_mm.interception.rules import MethodRule

WITH_TARGETS = [
    'MaskFeat', 'BEiT-v1', 'BEiT-v2', 'CAE', 'CIM', 'MILAN', 'EVA',
    'iTPN-CLIP',
]  # fmt: skip
toys = pytest.mark.parametrize('toy', WITH_TARGETS)


def test_no_other_method_has_one():
    for toy in METHODS:
        assert bool(build_aemim(toy).passes.frozen) == (toy in WITH_TARGETS), (
            toy
        )


@toys
@pytest.mark.parametrize('distance', ['l2', 'reconstruction'])
def test_runs_once_in_a_step(toy, distance, monkeypatch):
    model = build_aemim(toy, adv_ratio=0.5, attack=attack(distance=distance))
    network = model.target_generator
    calls, forward = [], type(network).forward

    def watch(module, *args):
        calls.append(args[0])
        return forward(module, *args)

    monkeypatch.setattr(type(network), 'forward', watch)
    inputs, samples = batch(toy)
    model.loss(inputs, samples)
    assert len(calls) == 1
    views = inputs if isinstance(inputs, list) else [inputs]
    assert calls[0] is views[-1]  # clean, the target view


@toys
def test_stays_frozen_and_in_eval_mode(toy):
    model = build_aemim(toy)
    assert model.train() is model and model.training
    for network in model.passes.frozen:
        for module in network.modules():
            assert not module.training
        assert not any(p.requires_grad for p in network.parameters())
    # The rest is in training mode.
    assert model.backbone.training
    model.eval()
    assert not model.training and not model.backbone.training


def test_codebook_does_not_move_as_it_does_in_stock():
    stock, model = build_stock('BEiT-v2'), build_aemim('BEiT-v2')
    moved = []
    for network in (stock, model):
        codebook = network.target_generator.quantize.embedding.weight
        before = codebook.detach().clone()
        network.loss(*batch('BEiT-v2'))
        moved.append(not torch.equal(codebook, before))
    assert moved == [True, False]


@toys
def test_has_no_twin_and_gets_no_gradient(toy):
    model = build_aemim(toy)
    names = [n for n in model.adv.tensors() if n.startswith('target_gener')]
    assert not names
    losses = model.loss(*batch(toy))
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert not any(n.startswith(('target_', 'teacher')) for n in grads(model))


def test_repeats_its_outputs_in_order_and_says_when_there_are_too_few():
    network = torch.nn.Linear(2, 3)
    first, second = torch.rand(4, 2), torch.rand(4, 2)
    with remembered_targets(network) as outputs:
        expected = [network(first), network(second)]
    network(first)  # not remembered
    assert len(outputs) == 2
    rows = BatchSubset([0, 3], 4)
    with repeated_targets(network, rows.of(tuple(outputs))):
        for output in expected:
            actual = network(torch.full((2, 2), torch.nan))
            assert torch.equal(actual, output[[0, 3]])
        with pytest.raises(RuntimeError, match='more often than the first'):
            network(first)
    assert not torch.equal(network(first), expected[1])


class TeacherMIM(ToyMIM):
    """Moves a teacher within loss(), in a method or not."""

    def __init__(self, inline, **kwargs):
        super().__init__(**kwargs)
        self.teacher = copy.deepcopy(self.backbone)
        self.inline = inline

    def move(self):
        """The teacher follows the encoder."""
        for old, new in zip(
            self.teacher.parameters(), self.backbone.parameters(), strict=True
        ):
            old.data.mul_(0.5).add_(new.data, alpha=0.5)

    def loss(self, inputs, data_samples, **kwargs):
        """As :class:`ToyMIM`."""
        if self.inline:
            TeacherMIM.move(self)
        else:
            self.move()
        return super().loss(inputs, data_samples)


@pytest.mark.parametrize('inline', [True, False])
def test_a_teacher_that_would_move_twice_is_found(inline, monkeypatch):
    MODELS.register_module(module=TeacherMIM, force=True)
    model = move_twins(build_toy_mim(method='TeacherMIM', inline=inline))
    with pytest.raises(RuntimeError, match='loss.. changes ToyEncoder'):
        model.loss(images(4), masks(4))
    monkeypatch.setitem(METHOD_RULES, TeacherMIM, MethodRule(once=('move',)))
    if inline:  # nothing to name
        return
    model = move_twins(build_toy_mim(method='TeacherMIM', inline=inline))
    with torch.no_grad():
        model.backbone.bn.weight.fill_(3.0)
    model.loss(images(4), masks(4))
    assert torch.equal(model.teacher.bn.weight, torch.full((4,), 2.0))
