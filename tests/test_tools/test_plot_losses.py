# Copyright (c) aemim_mm contributors. All rights reserved.
import importlib.util
import json
from pathlib import Path

import mmcv
import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'plot_losses.py'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('plot_losses', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
