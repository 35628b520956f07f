# Copyright (c) aemim_mm contributors. All rights reserved.
"""Checkpoints in and out: stock to AEMIM, AEMIM to AEMIM, AEMIM to ViT."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner, load_checkpoint
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from states import assert_equal_states
from torch.utils.data import Dataset
from toys import (
    ARCH,
    METHODS,
    attack,
    build_aemim,
    build_stock,
    images,
    move_twins,
)

MAE = 'MAE-DualNormViT'
toys = pytest.mark.parametrize('toy', list(METHODS))
# With a teacher, a tokenizer, a generator, statistics of batches.
some = pytest.mark.parametrize(
    'toy', [MAE, 'CAE', 'BEiT-v2', 'CIM', 'SparK-ResNet']
)


class Images(Dataset):
    """Eight fixed images in the layout of mmpretrain's PackInputs."""

    def __init__(self, toy=MAE):
        self.toy = METHODS[toy]

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        size = (3, self.toy.size, self.toy.size)
        views = [
            torch.randint(0, 256, size, generator=generator).to(torch.uint8)
            for _ in range(self.toy.views)
        ]
        sample = DataSample()
        if self.toy.mask:
            sample.set_mask(self.toy.mask(generator))
        inputs = views if self.toy.views > 1 else views[0]
        return dict(inputs=inputs, data_samples=sample)


def aemim_cfg(toy=MAE, **options):
    return dict(
        type='AEMIMAlgorithm',
        method=METHODS[toy].method,
        attack=attack(),
        **{**copy.deepcopy(METHODS[toy].cfg), **options},
    )


def run(work_dir, model, epochs=1, lr=0.01, toy=MAE, **options):
    """Train two steps an epoch through mmengine's Runner."""
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=4,
            num_workers=0,
            dataset=Images(toy),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=lr)),
        default_scope='mmpretrain',
        randomness=dict(seed=0),
        log_level='ERROR',
        experiment_name=f'{work_dir}-{epochs}-{len(options)}',
        **options,
    )
    runner.train()
    return runner.model


def toy_of(request):
    callspec = getattr(request.node, 'callspec', None)
    return callspec.params.get('toy', MAE) if callspec else MAE


@pytest.fixture
def stock_file(tmp_path, request):
    """A checkpoint of the test's toy, or of MAE."""
    toy = toy_of(request)
    path = tmp_path / 'stock.pth'
    torch.save(dict(state_dict=build_stock(toy).state_dict()), path)
    return str(path)


@pytest.fixture
def aemim_file(tmp_path, request):
    """Twins that differ from their originals."""
    toy = toy_of(request)
    model = move_twins(build_aemim(toy))
    path = tmp_path / 'aemim.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


def after_init_weights(file):
    """CAE's init_weights() makes the teacher a copy of the encoder."""
    state = torch.load(file)['state_dict']
    for name in state:
        if name.startswith('teacher.'):
            state[name] = state[name.replace('teacher.', 'backbone.')]
    return state


def twins_equal_originals(model):
    state = model.state_dict()
    return all(
        torch.equal(v, state[k[4:]])
        for k, v in state.items()
        if k.startswith('adv.') and not moves_without_learning(k)
    )


def moves_without_learning(name):
    """Running statistics, CAE's teacher, the use of a codebook."""
    last = name.rpartition('.')[2]
    return (
        last.startswith(('running_', 'num_batches_', 'cluster_size'))
        or 'teacher' in name
    )


def test_fresh_adapters_are_copies():
    model = MODELS.build(aemim_cfg())
    model.init_weights()
    assert twins_equal_originals(model)
    # Of what init_weights gave, not of what the constructor gave.
    cls = MODELS.build(aemim_cfg(adapters=('cls_token',)))
    cls.init_weights()
    assert cls.adv.backbone.cls_token.abs().max() > 0
    assert twins_equal_originals(cls)


def test_init_weights_after_a_load_renews_both_sets(stock_file):
    model = MODELS.build(aemim_cfg())
    load_checkpoint(model, stock_file)
    before = copy.deepcopy(model.state_dict())
    model.init_weights()
    name = 'backbone.ln1.weight'
    assert not torch.equal(model.state_dict()[name], before[name])
    assert twins_equal_originals(model)


@toys
def test_stock_checkpoint_through_init_cfg(toy, stock_file):
    model = MODELS.build(
        aemim_cfg(toy, init_cfg=dict(type='Pretrained', checkpoint=stock_file))
    )
    model.init_weights()
    expected = after_init_weights(stock_file)
    clean = {k: v for k, v in model.state_dict().items() if k in expected}
    assert all(torch.equal(clean[k], expected[k]) for k in expected)
    assert twins_equal_originals(model)


def test_stock_backbone_through_init_cfg(stock_file):
    """Twins follow what only the backbone has loaded."""
    cfg = aemim_cfg()
    cfg['backbone']['init_cfg'] = dict(
        type='Pretrained', checkpoint=stock_file, prefix='backbone.'
    )
    model = MODELS.build(cfg)
    model.init_weights()
    expected = torch.load(stock_file)['state_dict']
    for name, value in model.backbone.state_dict().items():
        assert torch.equal(value, expected[f'backbone.{name}']), name
    assert twins_equal_originals(model)


@some
@pytest.mark.parametrize('kind', ['stock', 'aemim'])
def test_load_from(toy, kind, stock_file, aemim_file, tmp_path):
    """Learning rate 0: what was loaded is what remains."""
    file = stock_file if kind == 'stock' else aemim_file
    model = MODELS.build(aemim_cfg(toy))
    trained = run(tmp_path / kind, model, lr=0.0, toy=toy, load_from=file)
    expected = torch.load(file)['state_dict']
    state = trained.state_dict()
    for name, value in expected.items():
        if not moves_without_learning(name):
            assert torch.equal(state[name], value), name
    assert twins_equal_originals(trained) == (kind == 'stock')


@toys
def test_aemim_checkpoint_through_init_cfg_restores_both(toy, aemim_file):
    model = MODELS.build(
        aemim_cfg(toy, init_cfg=dict(type='Pretrained', checkpoint=aemim_file))
    )
    model.init_weights()
    assert_equal_states(model, after_init_weights(aemim_file))


@toys
def test_aemim_checkpoint_by_plain_torch(toy, aemim_file):
    model = MODELS.build(aemim_cfg(toy))
    model.load_state_dict(torch.load(aemim_file)['state_dict'], strict=True)
    assert_equal_states(model, torch.load(aemim_file)['state_dict'])


def test_missing_class_token_twin_is_filled(aemim_file):
    model = MODELS.build(aemim_cfg(adapters=('norm', 'cls_token')))
    load_checkpoint(model, aemim_file, strict=True)
    assert torch.equal(model.adv.backbone.cls_token, model.backbone.cls_token)
    assert not twins_equal_originals(model)


@some
def test_resume_restores_both_sets(toy, tmp_path):
    first = run(tmp_path, MODELS.build(aemim_cfg(toy)), epochs=1, toy=toy)
    expected = copy.deepcopy(first.state_dict())
    assert not twins_equal_originals(first)
    model = MODELS.build(aemim_cfg(toy))
    seen = {}
    step = model.step

    def watch(*args, **kwargs):
        if not seen:
            seen.update(copy.deepcopy(model.state_dict()))
        return step(*args, **kwargs)

    model.step = watch
    run(tmp_path, model, epochs=2, toy=toy, resume=True)
    assert seen.keys() == expected.keys()
    assert all(torch.equal(seen[k], expected[k]) for k in expected)


def test_stock_vit_loads_an_aemim_checkpoint(aemim_file):
    """No missing and no unexpected key behind prefix='backbone.'."""
    state = torch.load(aemim_file)['state_dict']
    vit = MODELS.build(
        dict(
            type='VisionTransformer',
            arch=dict(ARCH),
            img_size=32,
            patch_size=8,
            out_type='raw',
            init_cfg=dict(
                type='Pretrained', checkpoint=aemim_file, prefix='backbone.'
            ),
        )
    )
    prefix = 'backbone.'
    own = {k[len(prefix) :] for k in state if k.startswith(prefix)}
    assert own == set(vit.state_dict())
    vit.init_weights()
    for name, value in vit.state_dict().items():
        assert torch.equal(value, state[prefix + name]), name
    model = build_aemim('MAE-DualNormViT')
    model.load_state_dict(state)
    x = images(2)
    torch.testing.assert_close(vit(x)[0], model.extract_feat(x)[0])


def test_ema_copy_follows_and_leaves_the_training_alone(tmp_path):
    """mmengine's EMAHook deep-copies the model with its port and pin."""
    start = build_aemim('MAE-DualNormViT').state_dict()
    trained = {}
    for name, hooks in (
        ('plain', []),
        ('ema', [dict(type='EMAHook', momentum=0.5)]),
    ):
        model = MODELS.build(aemim_cfg())
        model.load_state_dict(start)
        model.init_weights = lambda: None
        run(tmp_path / name, model, custom_hooks=hooks)
        trained[name] = model.state_dict()
    assert_equal_states(trained['plain'], trained['ema'])
    averaged = torch.load(tmp_path / 'ema/epoch_1.pth', weights_only=False)
    averaged = averaged['state_dict']
    for key in ('adv.neck.ln1.weight', 'neck.ln1.weight'):
        assert not torch.equal(averaged[key], start[key])
        assert not torch.equal(averaged[key], trained['ema'][key])


STOCK_PARAMWISE = dict(
    custom_keys={
        'ln': dict(decay_mult=0.0),
        'bias': dict(decay_mult=0.0),
        'pos_embed': dict(decay_mult=0.0),
        'mask_token': dict(decay_mult=0.0),
        'cls_token': dict(decay_mult=0.0),
    }
)


@pytest.mark.parametrize(
    'options',
    [
        dict(paramwise_cfg=STOCK_PARAMWISE),
        dict(paramwise_cfg=dict(norm_decay_mult=0.0)),
        dict(paramwise_cfg=dict(flat_decay_mult=0.0)),
        dict(
            constructor='LearningRateDecayOptimWrapperConstructor',
            paramwise_cfg=dict(layer_decay_rate=0.65, **STOCK_PARAMWISE),
        ),
    ],
)
def test_twin_has_its_originals_decay_and_rate(options):
    model = build_aemim('MAE-DualNormViT', adapters=('norm', 'cls_token'))
    wrapper = build_optim_wrapper(
        model,
        dict(
            type='OptimWrapper',
            optimizer=dict(type='AdamW', lr=1.0, weight_decay=0.05),
            **copy.deepcopy(options),
        ),
    )
    group_of = {id(p): g for g in wrapper.param_groups for p in g['params']}
    parameters = dict(model.named_parameters())
    twins = [n for n in parameters if n.startswith('adv.')]
    assert len(twins) == 17
    for name in twins:
        twin = group_of[id(parameters[name])]
        original = group_of[id(parameters[name[4:]])]
        for key in ('lr', 'weight_decay'):
            assert twin[key] == original[key], (name, key)
