# Copyright (c) aemim_mm contributors. All rights reserved.
"""The recipes on images of one's own: they build, and their options act."""

import itertools

import pytest
import tiny_run
import torch
from mmpretrain.registry import DATASETS, HOOKS
from test_configs.config_tools import (
    ROOT,
    YOURS,
    build_full_size,
    docstring,
    flatten,
    load,
    meta_batch,
    optimizer_groups,
)

PRETRAIN = [name for name in YOURS if name.startswith('pretrain/')]
FINETUNE = [name for name in YOURS if name.startswith('finetune/')]


def prepare(name, tmp_path, **options):
    arguments = [f'{key}={value}' for key, value in options.items()]
    run, _ = tiny_run.load_tool('train').prepare(
        [
            *(str(ROOT / 'configs' / name), '--work-dir', str(tmp_path / 'w')),
            *('--traceback', '--cfg-options', *arguments),
        ]
    )
    return run


def labelled(folder):
    for split in ('train', 'val'):
        tiny_run.write_images(folder / split, num=4)
    return folder


def test_the_family():
    archs = ('vit-small', 'vit-base', 'swin-base')
    names = [f'{kind}aemim_{a}' for kind in ('', 'fast-') for a in archs]
    assert sorted(PRETRAIN) == sorted(
        f'pretrain/your_images/{name}.py' for name in names
    )
    assert sorted(FINETUNE) == sorted(
        f'finetune/your_images/{name}.py' for name in archs
    )


@pytest.mark.parametrize('name', YOURS)
def test_header(name):
    doc = docstring(name)
    command = doc.partition('::\n')[2].split()
    assert command[:2] == ['python', 'tools/train.py']
    assert f'configs/{name}' in command
    assert 'not run at scale here' in doc
    assert ('Cost of an iteration' in doc) == (name in PRETRAIN)


@pytest.mark.parametrize('name', YOURS)
def test_short_options_name_keys_that_are_there(name):
    cfg = load(name)
    keys = flatten(cfg.to_dict())
    for shortcut in cfg.shortcuts.values():
        named = (shortcut.get(k, ()) for k in ('sets', 'also', 'scales'))
        for key in itertools.chain(*named):
            assert key in keys, key
    hooks = [*cfg.custom_hooks, *cfg.default_hooks.values()]
    for hook in hooks:
        if hook.type != 'VisualizationHook':
            HOOKS.build(hook)


@pytest.mark.parametrize('name', PRETRAIN)
def test_a_step_at_the_real_size(name):
    cfg = load(name)
    model = build_full_size(cfg)
    model.train()
    inputs, samples = meta_batch(cfg)
    with torch.device('meta'):
        losses = model.loss(inputs, samples)
    assert {'loss_clean', 'loss_adv'} <= set(losses)
    fast = 'fast-' in name
    assert model.adv_ratio == (0.25 if fast else 1.0)
    steps = 2 if 'vit' in name and not fast else 1
    assert model.attack.num_steps == steps


@pytest.mark.parametrize('name', FINETUNE)
def test_rates_fall_by_depth(name):
    cfg = load(name)
    found = optimizer_groups(cfg, build_full_size(cfg))
    rates = {key: rate for key, (rate, _) in found.items()}
    assert rates['head.fc.weight'] == max(rates.values())
    assert rates['backbone.patch_embed.projection.weight'] == min(
        rates.values()
    )
    norms = {d for k, (_, d) in found.items() if '.ln' in k or '.norm' in k}
    assert norms == {0}


@pytest.mark.parametrize('name', PRETRAIN)
def test_one_option_names_the_images(name, tmp_path):
    data = tiny_run.write_images(tmp_path / 'photos', num=4)
    run = prepare(name, tmp_path, data_root=data)
    assert run.notes == []
    assert len(run.data['train']) == 4
    # MAE's and SimMIM's rates for each 256 images
    rate = 1e-4 if 'swin' in name else 1.5e-4
    assert run.cfg.optim_wrapper.optimizer.lr == rate
    assert run.cfg.auto_scale_lr == dict(base_batch_size=256, enable=True)
    assert run.length(by_epoch=False) == 20000


def test_from_weights_the_run_is_short_and_slow(tmp_path):
    name = 'pretrain/your_images/fast-aemim_vit-small.py'
    data = tiny_run.write_images(tmp_path / 'photos', num=4)
    weights = tmp_path / 'encoder.pth'
    torch.save({'state_dict': {'backbone.x': torch.zeros(1)}}, weights)
    given = dict(data_root=data, init=weights)
    run = prepare(name, tmp_path, **given)
    assert run.notes == []
    assert run.cfg.load_from == run.load_from == str(weights)
    assert run.cfg.optim_wrapper.optimizer.lr == 5e-5
    assert run.length(by_epoch=False) == 5000
    warmup, cosine = run.cfg.param_scheduler
    assert (warmup.end, cosine.begin, cosine.end) == (250, 250, 5000)
    # what is asked for goes before what comes with `init`
    own = {'optim_wrapper.optimizer.lr': 1e-3, 'max_iters': 900}
    run = prepare(name, tmp_path, **given, **own)
    assert run.cfg.optim_wrapper.optimizer.lr == 1e-3
    assert run.length(by_epoch=False) == run.cfg.param_scheduler[1].end == 900


@pytest.mark.parametrize(
    ('name', 'options', 'spans'),
    [
        (PRETRAIN[0], dict(max_iters=200), (10, 10, 200)),
        (PRETRAIN[0], dict(init='', max_iters=200), (10, 10, 200)),
        (PRETRAIN[0], dict(max_iters=200, init=''), (10, 10, 200)),
        (PRETRAIN[0], dict(max_iters=200, warmup=7), (7, 7, 200)),
        (PRETRAIN[0], dict(max_iters=3), (1, 1, 3)),
        (FINETUNE[0], dict(init='', max_epochs=20), (2, 2, 20)),
        (FINETUNE[0], dict(init='', max_epochs=3), (1, 1, 3)),
    ],
)
def test_the_warm_up_keeps_its_share(name, options, spans, tmp_path):
    data = labelled(tmp_path / 'data')
    weights = tmp_path / 'encoder.pth'
    torch.save({'state_dict': {'backbone.x': torch.zeros(1)}}, weights)
    if 'init' in options:
        options = {**options, 'init': weights}
    if name in FINETUNE:
        options['num_classes'] = 2
    run = prepare(name, tmp_path, data_root=data, **options)
    warmup, cosine = run.cfg.param_scheduler
    assert (warmup.end, cosine.begin, cosine.end) == spans
    assert run.notes == []


@pytest.mark.parametrize(
    ('name', 'options', 'kept'),
    [
        (PRETRAIN[0], dict(max_iters=1), (1, 0, 1)),
        (PRETRAIN[0], dict(warmup=0), (1, 0, 20000)),
        (PRETRAIN[0], dict(max_iters=10, warmup=10), (0, 0, 10)),
        (FINETUNE[0], dict(max_epochs=1), (1, 0, 1)),
    ],
)
def test_a_warm_up_or_a_cosine_without_length(name, options, kept, tmp_path):
    """mmengine refuses a scheduler that ends where it begins."""
    data = labelled(tmp_path / 'data')
    if name in FINETUNE:
        weights = tmp_path / 'encoder.pth'
        torch.save({'state_dict': {'backbone.x': torch.zeros(1)}}, weights)
        options = dict(options, num_classes=2, init=weights)
    run = prepare(name, tmp_path, data_root=data, **options)
    index, *span = kept
    both = run.cfg.param_scheduler
    assert [both[index].get('begin', 0), both[index].end] == span
    # The other one has no effect, and its place.
    other = both[1 - index]
    assert (other.type, other.factor, other.end) == ('ConstantLR', 1.0, 1)


@pytest.mark.parametrize('name', [n for n in PRETRAIN if 'vit' in n])
def test_a_rectangle_is_one_in_every_pipeline(name, tmp_path):
    data = tiny_run.write_images(tmp_path / 'photos', num=4)
    run = prepare(name, tmp_path, data_root=data, img_size='(32,64)')
    dataset = run.cfg.test_dataloader.dataset
    dataset.data_root = data
    for images in (run.data['train'], DATASETS.build(dataset)):
        assert images[0]['inputs'].shape == (3, 32, 64)
    model = run.cfg.model
    for part in (model.backbone, model.neck, model.head):
        assert tuple(part.img_size) == (32, 64)


@pytest.mark.parametrize('name', FINETUNE)
def test_options_of_fine_tuning(name, tmp_path):
    data = labelled(tmp_path / 'data')
    weights = tmp_path / 'encoder.pth'
    torch.save({'state_dict': {'backbone.x': torch.zeros(1)}}, weights)
    options = dict(data_root=data, num_classes=2, init=weights)
    run = prepare(name, tmp_path, **options)
    assert run.notes == []
    assert run.cfg.model.head.num_classes == 2
    assert run.cfg.model.backbone.init_cfg.checkpoint == str(weights)


def test_fine_tuning_without_weights_names_the_option(tmp_path):
    data = labelled(tmp_path / 'data')
    with pytest.raises(FileNotFoundError, match='--cfg-options init=PATH'):
        prepare(FINETUNE[0], tmp_path, data_root=data, num_classes=2)


def test_no_images_named(tmp_path):
    with pytest.raises(ValueError, match='data_root=PATH'):
        prepare(PRETRAIN[0], tmp_path, max_iters=2000)


def test_number_of_classes_that_is_not_that_of_the_folder(tmp_path):
    weights = tmp_path / 'encoder.pth'
    torch.save({'state_dict': {'backbone.x': torch.zeros(1)}}, weights)
    with pytest.raises(ValueError, match='num_classes'):
        prepare(
            FINETUNE[0],
            tmp_path,
            data_root=labelled(tmp_path / 'data'),
            num_classes=5,
            init=weights,
        )
