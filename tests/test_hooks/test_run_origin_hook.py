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


def test_sources_and_licences_are_carried_on(make_runner, tmp_path):
    def started_from(path):
        return torch.load(path, weights_only=False)['meta']['started_from']

    terms = [dict(source='https://x/mae', license='cc-by-nc-4.0')]
    state = make_runner(tmp_path / 'x').model.state_dict()
    told, untold = tmp_path / 'told.pth', tmp_path / 'untold.pth'
    torch.save(dict(state_dict=state, meta=dict(started_from=terms)), told)
    torch.save(dict(state_dict=state), untold)
    for name, file, expected in (
        ('a', told, terms),
        ('b', untold, [dict(source='untold.pth', license='unknown')]),
        ('c', None, []),
    ):
        options = dict(load_from=str(file)) if file else {}
        make_runner(tmp_path / name, hooks=[HOOK], **options).train()
        assert started_from(tmp_path / name / 'epoch_2.pth') == expected
    make_runner(
        tmp_path / 'd',
        hooks=[HOOK],
        resume=True,
        load_from=str(tmp_path / 'a/epoch_2.pth'),
        train_cfg=dict(by_epoch=True, max_epochs=3),
    ).train()
    assert started_from(tmp_path / 'd/epoch_3.pth') == terms
    # A run from the first one's checkpoint inherits; the log says it once.
    make_runner(
        tmp_path / 'e',
        hooks=[HOOK],
        load_from=str(tmp_path / 'd/epoch_3.pth'),
    ).train()
    assert started_from(tmp_path / 'e/epoch_2.pth') == terms
    (log,) = (tmp_path / 'e').glob('*/*.log')
    assert log.read_text().count('https://x/mae (cc-by-nc-4.0)') == 1
