# Copyright (c) aemim_mm contributors. All rights reserved.
"""The cells of docs/quickstart.ipynb run, in their order."""

import json
import os
import subprocess
import sys

import pytest
import tiny_run
from PIL import Image

PAGE = tiny_run.ROOT / 'docs/quickstart.ipynb'
CELLS = json.loads(PAGE.read_text())['cells']


def test_it_is_small_and_its_outputs_are_of_one_run():
    assert PAGE.stat().st_size < 300_000
    code = [cell for cell in CELLS if cell['cell_type'] == 'code']
    counts = [cell['execution_count'] for cell in code]
    assert counts == [*range(1, len(code) + 1)]
    for cell in code:
        for output in cell['outputs']:
            assert output['output_type'] != 'error'
            assert output.get('name') != 'stderr'


@pytest.mark.slow
def test_the_cells_run(tmp_path):
    """On one thread: in a folder without images, then on photos."""
    code = '\n'.join(
        ''.join(cell['source'])
        for cell in CELLS
        if cell['cell_type'] == 'code'
    )
    threads = dict(OMP_NUM_THREADS='1', MPLBACKEND='Agg')
    path = f'{tiny_run.ROOT}{os.pathsep}{os.environ.get("PYTHONPATH", "")}'

    def run_cells():
        result = subprocess.run(
            [sys.executable, '-c', code],
            cwd=tmp_path,
            env={**os.environ, **threads, 'PYTHONPATH': path},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.splitlines()

    lines = run_cells()
    # pre-training learns, and the export is that of the encoder
    losses = [float(x.split()[3]) for x in lines if x.startswith('iteration')]
    assert losses[-1] < 0.6 * losses[0]
    assert '(150, 64)' in lines
    assert lines[-1].startswith("True {'features': ")
    assert (tmp_path / 'work_dirs/quickstart/vit.safetensors').is_file()

    for number in range(7):
        file = tmp_path / f'my_images/{number}.JPG'
        file.parent.mkdir(exist_ok=True)
        Image.new('RGB', (96, 64), (30 * number, 90, 0)).save(file)
    assert '(7, 64)' in run_cells()
