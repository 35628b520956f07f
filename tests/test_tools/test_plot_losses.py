# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import mmcv
import pytest
from tiny_run import load_tool


@pytest.fixture
def tool():
    return load_tool('plot_losses')


def _log(work_dir, **values):
    file = work_dir / '20240101_000000' / 'vis_data' / 'scalars.json'
    file.parent.mkdir(parents=True)
    with open(file, 'w') as f:
        for epoch in (1, 2):
            f.write(json.dumps(dict(epoch=epoch, step=epoch, **values)) + '\n')


AEMIM = dict(
    loss=1.0,
    recon_clean=1.0,
    recon_adv=1.0,
    distance_start=1.0,
    distance_end=2.0,
)


def test_two_panels_in_the_work_dir(tool, tmp_path, capsys):
    _log(tmp_path, **AEMIM)
    tool.main([str(tmp_path)])
    out = capsys.readouterr().out
    assert 'reconstruction loss, feature distance' in out
    assert 'over 2 epochs' in out
    height, width, _ = mmcv.imread(tmp_path / 'losses.png').shape
    assert width > 2.5 * height


def test_one_panel_elsewhere(tool, tmp_path):
    _log(tmp_path, loss=1.0)
    out = tmp_path / 'new' / 'plot.png'
    tool.main([str(tmp_path), '--out', str(out)])
    height, width, _ = mmcv.imread(out).shape
    assert height < width < 2 * height
    assert not (tmp_path / 'losses.png').exists()
