# Copyright (c) aemim_mm contributors. All rights reserved.
"""The three lines of the README over a stock config train."""

import re

import tiny_run
import toys

TINY = """
model.update(
    backbone=dict(
        arch=dict(_delete_=True, **{arch}), img_size=32, patch_size=8),
    neck=dict(
        num_patches=16, patch_size=8, embed_dim=32, decoder_embed_dim=32,
        decoder_depth=1, decoder_num_heads=2, mlp_ratio=2.0),
    head=dict(patch_size=8))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        _delete_=True, type='CustomDataset', data_root={data!r},
        with_label=False,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='RandomResizedCrop', scale=32),
            dict(type='PackInputs')]))
train_cfg = dict(max_epochs=1)
# the schedule of 300 epochs is not for one
param_scheduler = []
default_hooks = dict(logger=dict(interval=1))
"""


def test_three_lines_over_a_stock_config_train(tmp_path, monkeypatch, capsys):
    readme = (tiny_run.ROOT / 'README.md').read_text()
    lines = re.search(
        r"```python\n(_base_ = 'mmpretrain::.*?)```", readme, re.S
    )
    lines = lines.group(1)
    assert len(lines.strip().splitlines()) == 3
    data = tiny_run.write_images(tmp_path / 'data', num=8)
    config = tmp_path / 'my_config.py'
    config.write_text(lines + TINY.format(arch=toys.ARCH, data=data))
    tiny_run.call_tool(monkeypatch, 'train', config, cwd=tmp_path)
    output = capsys.readouterr().out
    assert 'epsilon 2, step size 1, 2 steps' in output
    logged = tiny_run.scalars(tmp_path / 'work_dirs/my_config')
    assert sorted(logged) == [1, 2]
    for values in logged.values():
        assert values['loss_adv'] > 0 and values['distance_end'] > 0
