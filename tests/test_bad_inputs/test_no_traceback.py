# Copyright (c) aemim_mm contributors. All rights reserved.
"""Every tool ends with one message where a path leads nowhere."""

import sys

import pytest
import tiny_run
from test_bad_inputs.table import contents, exit_code

NOWHERE = {
    'benchmark_cost': ('no/c.py',),
    'benchmark_growth': ('no/c.py', 'no/d.py'),
    'benchmark_host': ('--json', '/proc/x.json'),
    'benchmark_loader': ('--config', 'no/c.py'),
    'demo': ('--work-dir', '/proc/x'),
    'evaluate_robustness': ('--compare', 'no/a.json', 'b.json', '--out', 'o'),
    'export_backbone': ('no.pth', 'out.pth', '--to', 'timm'),
    'extract_features': ('no.pth', 'no', '--out', 'out.npz'),
    'import_checkpoint': ('no.pth', 'out.pth', '--from', 'timm'),
    'make_ares_list': ('--ids', 'no.txt', 'out.txt'),
    'make_corruptions': ('no', 'out'),
    'make_mini_coco': ('/proc/x',),
    'plot_losses': ('no',),
    'prepare_fashion_mnist': ('/proc/x',),
    'reproduce': ('table4', '--out', '/proc/x'),
    'robustness_demo': ('--work-dir', '/proc/x'),
    'test': ('no/c.py', 'no.pth'),
    'train': ('no/c.py',),
    'visualize_reconstruction': ('no/c.py', 'no.pth'),
}


TOOLS = sorted(
    path.stem for path in (tiny_run.ROOT / 'tools').glob('[!_]*.py')
)


@pytest.mark.parametrize('tool', TOOLS)
def test_no_traceback(tool, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', [tool, *NOWHERE[tool]])
    assert exit_code(tool) == 2
    said = capfd.readouterr().err
    assert 'Traceback' not in said
    lines = [line for line in said.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1 and any(
        path in lines[0] for path in NOWHERE[tool] if path[0] != '-'
    ), said
    assert contents(tmp_path) == {}
