# Copyright (c) aemim_mm contributors. All rights reserved.
"""A run that is killed after its last checkpoint, in its last validation."""

import json
from pathlib import Path

import pytest
import tiny_run
import torch
from mmengine.runner import ValLoop


class Killed(BaseException):
    """Leaves the run where SIGKILL would."""


def validations(work_dir):
    lines = [
        json.loads(line)
        for file in sorted(work_dir.glob('*/vis_data/scalars.json'))
        for line in file.read_text().splitlines()
    ]
    return [e['step'] for e in lines if 'accuracy/top1' in e]


def test_it_is_made_up_for(tmp_path, monkeypatch, capfd):
    tiny_run.write_images(tmp_path / 'data', 8)
    cfg = tiny_run.classify_cfg(str(tmp_path / 'data'))
    loader, evaluator = cfg['test_dataloader'], cfg['test_evaluator']
    cfg.update(
        train_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        val_dataloader=loader,
        val_cfg=dict(),
        val_evaluator=evaluator,
        default_hooks=dict(
            checkpoint=dict(
                type='AtomicCheckpointHook', interval=1, save_best='auto'
            )
        ),
    )
    config = tiny_run.write_config(tmp_path / 'tiny.py', cfg)

    def train(*options):
        capfd.readouterr()
        options = ('--work-dir', 'w', *options)
        tiny_run.call_tool(
            monkeypatch, 'train', config, *options, cwd=tmp_path
        )
        return capfd.readouterr().out

    def killed(loop):
        if loop.runner.epoch == 2:
            raise Killed
        return original(loop)

    original = ValLoop.run
    monkeypatch.setattr(ValLoop, 'run', killed)
    with pytest.raises(Killed):
        train()
    monkeypatch.setattr(ValLoop, 'run', original)
    work_dir = tmp_path / 'w'
    assert (work_dir / 'epoch_2.pth').is_file()
    assert validations(work_dir) == [1]
    # Whatever the first one was, the last one is the best.
    checkpoint = torch.load(work_dir / 'epoch_2.pth', weights_only=False)
    checkpoint['message_hub']['runtime_info']['best_score'] = -1.0
    torch.save(checkpoint, work_dir / 'epoch_2.pth')

    assert 'nothing is left' not in train('--resume')
    assert validations(work_dir) == [1, 2]
    (best,) = work_dir.glob('best_*.pth')
    checkpoint = torch.load(work_dir / 'epoch_2.pth', weights_only=False)
    noted = checkpoint['message_hub']['runtime_info']
    assert Path(noted['best_ckpt']).name == best.name
    assert checkpoint['meta']['epoch'] == 2
    assert set(tiny_run.scalars(work_dir)) == {2, 4}  # nothing is trained

    assert 'nothing is left to do' in train('--resume')
    assert validations(work_dir) == [1, 2]
