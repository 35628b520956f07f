# Copyright (c) aemim_mm contributors. All rights reserved.
import hashlib

import torch

HOOK = dict(type='RunOriginHook')


def notes(path):
    return torch.load(path, weights_only=False)['meta'].get('run_origin')


def test_notes_of_a_run_and_of_the_one_that_goes_on(make_runner, tmp_path):
    file = tmp_path / 'weights.pth'
    state = make_runner(tmp_path / 'x').model.state_dict()
    torch.save(dict(state_dict=state), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    make_runner(tmp_path / 'a', hooks=[HOOK], load_from=str(file)).train()
    found = notes(tmp_path / 'a/epoch_2.pth')
    assert found == dict(
        weights=dict(load_from=dict(file=str(file), sha256=digest)),
        processes=1,
        iterations_per_epoch=4,
    )
    file.unlink()
    make_runner(
        tmp_path / 'b',
        hooks=[HOOK],
        resume=True,
        load_from=str(tmp_path / 'a/epoch_2.pth'),
        train_cfg=dict(by_epoch=True, max_epochs=3),
    ).train()
    assert notes(tmp_path / 'b/epoch_3.pth') == found


def test_a_run_of_an_earlier_version_stays_unknown(make_runner, tmp_path):
    make_runner(tmp_path / 'a').train()
    assert notes(tmp_path / 'a/epoch_2.pth') is None
    make_runner(
        tmp_path / 'b',
        hooks=[HOOK],
        resume=True,
        load_from=str(tmp_path / 'a/epoch_2.pth'),
        train_cfg=dict(by_epoch=True, max_epochs=3),
    ).train()
    assert 'weights' not in notes(tmp_path / 'b/epoch_3.pth')


def test_parts_of_the_model(make_runner, tmp_path):
    file = tmp_path / 'weights.pth'
    part = make_runner(tmp_path / 'x').model.backbone
    torch.save(dict(state_dict=part.state_dict()), file)
    init_cfg = dict(type='Pretrained', checkpoint=str(file))
    model = dict(backbone=dict(init_cfg=init_cfg))
    make_runner(tmp_path / 'a', hooks=[HOOK], model=model).train()
    weights = notes(tmp_path / 'a/epoch_1.pth')['weights']
    assert list(weights) == ['model.backbone.init_cfg.checkpoint']
