# Copyright (c) aemim_mm contributors. All rights reserved.
"""A run made longer by tools/train.py, and what its checkpoints tell."""

import pytest
import tiny_run
import torch
from test_agreement.table import files


def write(folder, epochs):
    """Pre-training of so many epochs; the name tells, for the logs."""
    cfg = tiny_run.pretrain_cfg(
        str(folder / 'data'),
        tiny_run.mae(),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=epochs,
                begin=0,
                end=epochs,
                by_epoch=True,
                convert_to_iter_based=True,
            )
        ],
    )
    cfg['train_dataloader']['num_workers'] = 0
    return tiny_run.write_config(folder / f'tiny_{epochs}.py', cfg)


def test_a_finished_run_made_longer(tmp_path, monkeypatch, capfd):
    tiny_run.write_images(tmp_path / 'data')
    short, long = write(tmp_path, 1), write(tmp_path, 3)

    def train(config, work_dir, *options):
        capfd.readouterr()
        options = ('--work-dir', work_dir, *options)
        tiny_run.call_tool(
            monkeypatch, 'train', config, *options, cwd=tmp_path
        )
        return capfd.readouterr().out

    train(long, 'whole')
    train(short, 'w')
    left = files(tmp_path / 'w')
    said = train(short, 'w', '--resume')
    assert 'resumes from' in said and 'nothing is left to do' in said
    with pytest.raises(SystemExit) as stop:
        train(long, 'w', '--resume')
    assert stop.value.code == 2
    assert '--new-schedule' in capfd.readouterr().err
    assert files(tmp_path / 'w') == left

    train(long, 'w', '--resume', '--new-schedule')
    expected, got = (
        tiny_run.scalars(tmp_path / each) for each in ('whole', 'w')
    )
    assert sorted(got) == list(range(1, 19))
    rates = [(expected[step]['lr'], got[step]['lr']) for step in range(7, 19)]
    assert all(one == other for one, other in rates)
    assert len(set(rates)) == 12
    # It is resumed like any other run then.
    assert 'nothing is left to do' in train(long, 'w', '--resume')

    checkpoint = torch.load(tmp_path / 'w/epoch_3.pth', weights_only=False)
    assert checkpoint['meta']['run_origin'] == dict(
        weights={}, processes=1, iterations_per_epoch=6
    )
