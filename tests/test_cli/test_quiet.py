# Copyright (c) aemim_mm contributors. All rights reserved.
import io
import logging
import re
import subprocess
import sys
import warnings

import pytest
import tiny_run
from fashion_mnist_files import write_fashion_mnist

from aemim_mm_cli import quiet

NAME = 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist'
# Warnings of this project on a run that is cut short, and goes well.
OWN = (
    'No accelerator was found',
    'The effective batch size is',
    'The schedule ends after the run',
)


def test_known_lines_are_left_out_and_others_are_not(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, 'stdout', stream)
    texts = (*quiet.WARNED, f'{quiet.WARNED[0]} More.', 'Fail to import')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        quiet.be_quiet()
        quiet.be_quiet()
        for text in (*quiet.PRINTED, 'Could not import OneDL!', ''):
            print(text)
        sys.stdout.write('a\n')
        for text in texts:
            warnings.warn(text, stacklevel=1)
    assert stream.getvalue() == 'Could not import OneDL!\n\na\n'
    assert [str(w.message) for w in caught] == ['Fail to import']
    assert sys.stdout.stream is stream


@pytest.mark.parametrize(
    'text, news',
    [
        ('backbone.pos_embed is skipped since its requires_grad=False', False),
        ('x is skipped since its requires_grad=False and more', True),
        ('the run is skipped', True),
    ],
)
def test_log(text, news):
    record = logging.LogRecord('n', 30, 'p', 1, text, (), None)
    assert quiet.is_news(record) == news


@pytest.mark.slow
def test_a_start_that_goes_well_shows_our_lines_alone(tmp_path):
    """Fails where a library begins to print or warn of something new."""
    write_fashion_mnist(tmp_path / 'data')
    done = subprocess.run(
        [
            sys.executable,
            tiny_run.ROOT / 'tools' / 'train.py',
            NAME,
            '--cfg-options',
            f'train_dataloader.dataset.data_root={tmp_path / "data"}',
            'train_cfg.max_epochs=1',
            'train_dataloader.batch_size=4',
            'train_dataloader.num_workers=1',
            'train_dataloader.dataset.indices=8',
            'default_hooks.logger.interval=1',
        ],
        cwd=tmp_path,
        env=tiny_run.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    assert '[1][2/2]' in done.stdout
    # The log begins at once, and each warning in it is ours.
    assert re.match(r'\d\d/\d\d [\d:]+ - mmengine - INFO', done.stdout)
    warned = re.findall(r' - mmengine - WARNING - (.*)', done.stdout)
    assert warned
    assert [text for text in warned if not text.startswith(OWN)] == []
    assert 'warn' not in re.sub(' - WARNING - ', '', done.stdout).lower()
