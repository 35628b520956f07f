# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
from types import SimpleNamespace

import pytest
import torch
from mmcv.cnn.bricks import DropPath
from mmpretrain.registry import HOOKS, MODELS
from torch._dynamo.testing import CompileCounter
from toys import (
    METHODS,
    batch,
    build_aemim,
    build_stock,
    grads,
    move_twins,
    seeded,
    total_loss,
)

from aemim_mm.hooks.compile_blocks_hook import compile_blocks

TOY = 'MAE-DualNormViT'


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    with torch._dynamo.config.patch(
        recompile_limit=8, fail_on_recompile_limit_hit=True
    ):
        yield
    torch._dynamo.reset()


def run(model, seed):
    model.zero_grad()
    losses = seeded(model.loss, *batch(TOY, seed=seed), seed=seed)
    total_loss(losses).backward()
    return losses, grads(model)


@pytest.mark.parametrize(
    'adv_ratio, graphs',
    # Training and attack; with a share of the batch, that in training, too.
    [(1.0, 2), (0.5, 3)],
)
@pytest.mark.parametrize('sequential', [False, True])
def test_few_graphs_no_recompiles_and_the_same_numbers(
    adv_ratio, graphs, sequential
):
    plain = move_twins(
        build_aemim(TOY, adv_ratio=adv_ratio, sequential_backward=sequential)
    )
    compiled, counter = copy.deepcopy(plain), CompileCounter()
    # numpy's floats, as mmpretrain's linspace gives them, break the graph.
    assert type(compiled.backbone.layers[0].attn.out_drop.drop_prob) is not (
        float
    )
    count = compile_blocks(
        compiled, 'backbone.layers', backend=counter, dynamic=False
    )
    assert count == 2
    for seed in range(4):
        expected, actual = run(plain, seed), run(compiled, seed)
        # Both layers share them, and later steps add none.
        assert counter.frame_count == graphs
        torch.testing.assert_close(actual[0], expected[0])
        torch.testing.assert_close(actual[1], expected[1])
    assert plain.state_dict().keys() == compiled.state_dict().keys()


@pytest.mark.slow
def test_as_many_graphs_as_a_run_needs():
    """Each block its own rate of drop path, and a smaller last batch."""
    depth = 3
    model = build_aemim(TOY, adv_ratio=0.5)
    layers = model.backbone.layers
    layers.extend(copy.deepcopy(layers[0]) for _ in range(depth - len(layers)))
    for index, layer in enumerate(layers):
        for drop in (m for m in layer.modules() if isinstance(m, DropPath)):
            drop.drop_prob = 0.01 * (1 + index)
    model.backbone.num_layers = depth
    counter = CompileCounter()
    compile_blocks(model, 'backbone.layers', backend=counter)
    for images in (8, 6) * 2:
        model.zero_grad()
        inputs = torch.randn(images, 3, 32, 32)
        total_loss(model.loss(inputs, None)).backward()
    # Clean, adversarial, attacked and reference images.
    assert counter.frame_count == 4 * 2 * depth


def test_hook_compiles_encoder_and_decoder():
    """Decoder blocks have one graph: the attack does not run them."""
    cfg = copy.deepcopy(METHODS[TOY].cfg)
    cfg['neck']['decoder_depth'] = 4
    plain = MODELS.build(
        dict(type='AEMIMAlgorithm', method='MAE', **copy.deepcopy(cfg))
    )
    compiled, counter = copy.deepcopy(plain), CompileCounter()
    hook = HOOKS.build(dict(type='CompileBlocksHook', backend=counter))
    hook.before_train(SimpleNamespace(model=compiled))
    for seed in range(3):
        expected, actual = run(plain, seed), run(compiled, seed)
        assert counter.frame_count == 3
        torch.testing.assert_close(actual[1], expected[1])


@pytest.mark.parametrize(
    'options, expected', [({}, {'dynamic': False}), ({'dynamic': True},) * 2]
)
def test_options_of_the_compiler(options, expected, monkeypatch):
    seen = []
    monkeypatch.setattr(
        torch.nn.Module, 'compile', lambda self, **kwargs: seen.append(kwargs)
    )
    hook = HOOKS.build(dict(type='CompileBlocksHook', **options))
    hook.before_train(SimpleNamespace(model=build_stock(TOY)))
    assert seen and all(kwargs == expected for kwargs in seen)


def test_wrong_name():
    with pytest.raises(
        ValueError,
        match=r"no list of blocks 'backbone.blocks'; it has .*"
        r'backbone.layers, .*neck.decoder_blocks',
    ):
        compile_blocks(build_stock(TOY), 'backbone.blocks')
