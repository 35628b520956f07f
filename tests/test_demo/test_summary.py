# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest

from aemim_mm.demo.summary import (
    failures_of,
    pretrain_summary,
)


def _log(work_dir, entries, stamp='a'):
    file = work_dir / stamp / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text(''.join(json.dumps(e) + '\n' for e in entries))


def _entry(epoch, step, clean, adv, time):
    return dict(
        epoch=epoch,
        step=step,
        loss=1.0,
        recon_clean=clean,
        recon_adv=adv,
        time=time,
    )


def test_pretrain_summary(tmp_path):
    entries = [
        _entry(1, 1, 1.0, 2.0, 0.5),
        _entry(1, 2, 3.0, 4.0, 0.25),
        _entry(2, 3, 1.5, 1.0, 0.25),
        _entry(2, 4, 0.5, 2.0, 1.0),
    ]
    _log(tmp_path, entries)
    assert pretrain_summary(tmp_path, batch_size=64) == dict(
        recon_clean=[2.0, 1.0],
        recon_adv=[3.0, 1.5],
        images_per_second=64 * 4 / 2.0,
    )


def test_run_without_adversarial_losses_is_refused(tmp_path):
    _log(tmp_path, [dict(epoch=1, step=1, loss=1.0, time=1.0)])
    with pytest.raises(ValueError, match="'recon_clean' is not in the log"):
        pretrain_summary(tmp_path, batch_size=1)


def _summary(clean=(2.0, 1.0), adv=(2.0, 1.0), top1=85.0):
    return dict(
        pretrain=dict(recon_clean=list(clean), recon_adv=list(adv)),
        finetune=dict(top1=top1),
    )


def test_all_reached():
    assert failures_of(_summary(), 80.0) == []
    assert failures_of(_summary(top1=80.0), 80.0) == []


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(clean=(1.0, 1.0)), 'recon_clean did not fall: 1.0000 in'),
        (dict(adv=(1.0, 0.5, 1.5)), 'recon_adv did not fall: 1.0000 in'),
        (dict(adv=(1.0, float('nan'))), 'recon_adv did not fall'),
        (dict(top1=79.99), 'top-1 after fine-tuning is 79.99 %, less than 80'),
    ],
)
def test_each_failure_is_told(changes, message):
    (failure,) = failures_of(_summary(**changes), 80.0)
    assert failure.startswith(message)


def test_top1_is_not_judged_without_a_bar():
    assert failures_of(_summary(top1=1.0), None) == []
    assert len(failures_of(_summary(adv=(1.0, 2.0), top1=1.0), None)) == 1
