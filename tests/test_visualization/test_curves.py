# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import math

import pytest

from aemim_mm.visualization import draw_curves, epoch_means, read_scalars
from aemim_mm.visualization.curves import is_validated, last_metric


def _log(work_dir, stamp, entries, tail=''):
    file = work_dir / stamp / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text(''.join(json.dumps(e) + '\n' for e in entries) + tail)
    return file


def _entry(epoch, step, loss, **more):
    return dict(epoch=epoch, step=step, iter=step, loss=loss, **more)


def _losses(work_dir):
    return [(e['step'], e['loss']) for e in read_scalars(work_dir)]


def test_training_entries_in_order(tmp_path):
    entries = [_entry(1, 10, 4.0), {'accuracy/top1': 50.0, 'step': 1}]
    _log(tmp_path, '20240101_000000', entries + [_entry(2, 20, 3.0)])
    assert _losses(tmp_path) == [(10, 4.0), (20, 3.0)]
    folder = tmp_path / '20240101_000000'
    assert _losses(folder) == [(10, 4.0), (20, 3.0)]


def test_names_with_their_phase(tmp_path):
    """As log_processor.log_with_hierarchy writes them."""
    entry = _entry(1, 10, 4.0, recon_clean=1.0)
    named = {f'train/{k}': v for k, v in entry.items() if k != 'step'}
    _log(tmp_path, '20240101_000000', [{**named, 'step': 10}])
    assert read_scalars(tmp_path) == [entry]


def test_resumed_run_replaces_what_it_repeats(tmp_path):
    _log(
        tmp_path,
        '20240101_000000',
        # killed in epoch 2, after steps which the second start, with another
        # log interval, does not log
        [_entry(1, 10, 4.0), _entry(2, 11, 3.5), _entry(2, 19, 3.4)],
    )
    _log(
        tmp_path,
        '20240102_000000',
        [_entry(2, 15, 3.0), _entry(2, 20, 2.9), _entry(3, 30, 2.0)],
    )
    assert _losses(tmp_path) == [(10, 4.0), (15, 3.0), (20, 2.9), (30, 2.0)]


def test_fresh_start_replaces_all(tmp_path):
    _log(tmp_path, '20240101_000000', [_entry(1, 10, 4.0), _entry(2, 20, 3.0)])
    _log(tmp_path, '20240102_000000', [_entry(1, 10, 9.0)])
    assert _losses(tmp_path) == [(10, 9.0)]


def test_start_without_training_entries_replaces_nothing(tmp_path):
    _log(tmp_path, '20240101_000000', [_entry(1, 10, 4.0)])
    _log(tmp_path, '20240102_000000', [])
    assert _losses(tmp_path) == [(10, 4.0)]


def test_iteration_based_runs(tmp_path):
    _log(tmp_path, 'a', [dict(step=s, loss=9.0) for s in (10, 20, 30)])
    _log(tmp_path, 'b', [dict(step=s, loss=1.0) for s in (30, 40)])
    entries = read_scalars(tmp_path)
    assert [e['step'] for e in entries] == [10, 20, 30, 40]
    means = epoch_means(entries)
    assert means == dict(epoch=[10, 20, 30, 40], loss=[9.0, 9.0, 1.0, 1.0])


def test_last_line_of_a_killed_run_is_dropped(tmp_path):
    _log(tmp_path, 'a', [_entry(1, 10, 4.0)], tail='{"loss": 3.')
    assert _losses(tmp_path) == [(10, 4.0)]


def test_broken_line_is_named(tmp_path):
    file = _log(tmp_path, 'a', [_entry(1, 10, 4.0)], tail='{"lo\n')
    with open(file, 'a') as f:
        f.write(json.dumps(_entry(1, 20, 4.0)))
    with pytest.raises(ValueError, match='scalars.json, line 2 is not JSON'):
        read_scalars(tmp_path)


def test_missing_and_empty_logs(tmp_path):
    with pytest.raises(FileNotFoundError, match='no work directory .*nowhere'):
        read_scalars(tmp_path / 'nowhere')
    with pytest.raises(FileNotFoundError, match='no vis_data/scalars.json'):
        read_scalars(tmp_path)
    _log(tmp_path, 'a', [{'accuracy/top1': 1.0, 'step': 1}])
    with pytest.raises(ValueError, match='no training iteration'):
        read_scalars(tmp_path)


def test_epoch_means():
    entries = [
        _entry(1, 1, 1.0, recon_clean=2.0, recon_adv=4.0),
        _entry(1, 2, 2.0, recon_clean=3.0),
        _entry(2, 3, 6.0, recon_clean=1.0),
    ]
    # recon_adv is not in every epoch
    assert epoch_means(entries) == dict(
        epoch=[1, 2], loss=[1.5, 6.0], recon_clean=[2.5, 1.0]
    )
    assert epoch_means(entries, ('loss',)) == dict(
        epoch=[1, 2], loss=[1.5, 6.0]
    )


def test_not_a_number_is_kept(tmp_path):
    _log(tmp_path, 'a', [_entry(1, 10, math.nan)])
    assert math.isnan(epoch_means(read_scalars(tmp_path))['loss'][0])


MEANS = dict(
    epoch=[1, 2, 3],
    loss=[0.9, 0.8, 0.7],
    recon_clean=[1.0, 0.9, 0.8],
    recon_adv=[1.1, 1.0, 0.9],
    distance_start=[1.0, 2.0, 3.0],
    distance_end=[5.0, 6.0, 7.0],
)


def _drawn(figure):
    return [
        [(line.get_label(), list(line.get_ydata())) for line in axis.lines]
        for axis in figure.axes
    ]


def test_clean_and_adversarial_curves():
    figure = draw_curves(MEANS)
    assert _drawn(figure) == [
        [
            ('clean images', MEANS['recon_clean']),
            ('adversarial examples', MEANS['recon_adv']),
        ],
        [
            ('random start', MEANS['distance_start']),
            ('after the attack', MEANS['distance_end']),
        ],
    ]
    for axis in figure.axes:
        assert list(axis.lines[0].get_xdata()) == [1, 2, 3]
        assert axis.get_xlabel() == 'epoch'


def test_plain_run_draws_its_loss():
    figure = draw_curves(dict(epoch=[1, 2], loss=[2.0, 1.0]), 'iteration')
    assert _drawn(figure) == [[('loss', [2.0, 1.0])]]
    assert figure.axes[0].get_xlabel() == 'iteration'


def test_nothing_to_draw():
    with pytest.raises(ValueError, match='nothing to draw'):
        draw_curves(dict(epoch=[1]))


def test_last_metric(tmp_path):
    _log(tmp_path, 'a', [dict(step=1, top1=70.0), dict(step=2, top1=90.0)])
    # Killed while a line was written.
    entries = [dict(step=3, top1=80.0), dict(step=9, loss=1.0)]
    _log(tmp_path, 'b', entries, tail='{"step": 10, "to')
    assert last_metric(tmp_path, 'top1') == 80.0
    with pytest.raises(ValueError, match="no validation with 'top5'"):
        last_metric(tmp_path, 'top5')


def test_is_validated(tmp_path):
    assert is_validated(tmp_path)
    _log(tmp_path, 'a', [dict(step=8, loss=1.0, time=1.0)])
    assert not is_validated(tmp_path)
    # a hook's scalars
    _log(tmp_path, 'b', [{'step': 1, 'online/knn': 50.0}])
    assert not is_validated(tmp_path)
    _log(tmp_path, 'c', [dict(step=1, top1=80.0, time=1.0)])
    assert is_validated(tmp_path)
    # trained further
    _log(tmp_path, 'd', [dict(step=9, loss=1.0, time=1.0)])
    assert not is_validated(tmp_path)
