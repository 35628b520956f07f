# Copyright (c) aemim_mm contributors. All rights reserved.

import mmcv
import numpy as np
import pytest
import torch
from drawing_runs import fake_runner, train, train_two_steps
from mmpretrain.registry import HOOKS
from toys import (
    build_aemim,
    build_stock,
    build_toy_mim,
    mae_cfg,
)
from two_processes import run_in_two

from aemim_mm.hooks import reconstruction_hook
from aemim_mm.hooks.reconstruction_hook import ReconstructionHook


def _pictures(work_dir):
    return {p.name: p for p in work_dir.glob('*/vis_data/vis_image/*')}


def test_pictures_of_every_second_and_the_last_epoch(tmp_path):
    hook = dict(type='ReconstructionHook', interval=2, num_images=4)
    train(tmp_path, [hook])
    pictures = _pictures(tmp_path)
    assert sorted(pictures) == ['reconstruction_2.png', 'reconstruction_3.png']
    for path in pictures.values():
        assert mmcv.imread(path).std() > 10


def test_losses_are_those_of_a_run_without_the_hook(tmp_path):
    hook = dict(type='ReconstructionHook', num_images=3, seed=5)
    drawn = train(tmp_path / 'with', [hook])
    plain = train(tmp_path / 'without', [])
    assert len(plain) == 6
    assert drawn == plain
    assert len(_pictures(tmp_path / 'with')) == 3
    assert not _pictures(tmp_path / 'without')


def test_stock_method_draws_the_clean_rows(tmp_path):
    hook = dict(type='ReconstructionHook', num_images=3)
    models = dict(MAE={}, AEMIMAlgorithm=dict(method='MAE', adv_ratio=0.5))
    heights = {}
    for method, options in models.items():
        work_dir = tmp_path / method
        model = dict(type=method, **options, **mae_cfg('MAEViT'))
        once = dict(by_epoch=True, max_epochs=1)
        train(work_dir, [hook], model=model, train_cfg=once)
        picture = _pictures(work_dir)['reconstruction_1.png']
        heights[method] = mmcv.imread(picture).shape[0]
    # three rows against six, under the same heading
    assert heights['MAE'] < 0.6 * heights['AEMIMAlgorithm']


def test_same_images_each_time(monkeypatch):
    inputs = []
    stock = reconstruction_hook.reconstruct

    def remember(model, batch, *args):
        inputs.append(batch.clone())
        return stock(model, batch, *args)

    monkeypatch.setattr(reconstruction_hook, 'reconstruct', remember)
    runner = fake_runner(build_aemim('MAE-stock-backbone'))
    for _ in range(2):  # as after a restart
        hook = ReconstructionHook(num_images=4, seed=1)
        hook.before_train(runner)
        hook.after_train_epoch(runner)
        torch.rand(3)
    other = ReconstructionHook(num_images=4, seed=2)
    other.after_train_epoch(runner)
    assert all(torch.equal(batch, inputs[0]) for batch in inputs[:4])
    assert not torch.equal(inputs[4], inputs[0])
    assert len(inputs[0]) == 4
    # spread over the dataset, whose brightness rises with the index
    brightness = inputs[0].mean((1, 2, 3))
    assert (brightness.diff() > 0.3).all()
    assert [(s[0], s[2]) for s in runner.shown] == [('reconstruction', 1)] * 3
    assert np.array_equal(runner.shown[0][1], runner.shown[1][1])
    assert runner.shown[0][1].dtype == np.uint8


def test_only_the_main_process_draws(monkeypatch):
    monkeypatch.setattr(reconstruction_hook, 'is_main_process', lambda: False)
    runner = fake_runner(build_stock('MAE-stock-backbone'))
    ReconstructionHook().after_train_epoch(runner)
    assert runner.shown == []


def test_unsupported_method_fails_before_training():
    runner = fake_runner(build_toy_mim())
    with pytest.raises(ValueError, match='remove ReconstructionHook'):
        ReconstructionHook().before_train(runner)


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        (dict(interval=0), ValueError, 'interval must be >= 1, but got 0'),
        (dict(num_images=0), ValueError, 'num_images must be >= 1'),
        (dict(seed=-1), ValueError, 'seed must be >= 0, but got -1'),
        (dict(interval=1.5), TypeError, 'interval must be an int, but got'),
        (dict(num_images=True), TypeError, 'num_images must be an int'),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        HOOKS.build(dict(type='ReconstructionHook', **options))


def test_two_processes_stay_in_step(tmp_path):
    run_in_two(train_two_steps, tmp_path)
    (first, drawn), (second, silent) = (
        torch.load(tmp_path / f'{rank}.pt') for rank in (0, 1)
    )
    assert torch.equal(first, second)
    assert (drawn, silent) == (2, 0)
