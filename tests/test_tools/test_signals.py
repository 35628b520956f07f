# Copyright (c) aemim_mm contributors. All rights reserved.
"""Signals to the tools as processes get them; `make torture` does more."""

import json
import os
import signal
import sys
import time

import pytest
import tiny_run


def started(tmp_path, launcher, epochs=50):
    """A run with a checkpoint after every epoch."""
    cfg = tiny_run.pretrain_cfg(
        tiny_run.write_images(tmp_path / 'data', num=8), tiny_run.mae()
    )
    cfg['train_cfg']['max_epochs'] = epochs
    cfg['default_hooks']['checkpoint'] = dict(
        type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1
    )
    config = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    tools = tiny_run.ROOT / 'tools'
    command = [sys.executable, tools / 'train.py', config]
    if launcher:
        command = ['bash', tools / 'dist_train.sh', config, '2']
    return tiny_run.start(
        *(*command, '--work-dir', tmp_path / 'work'),
        cwd=tmp_path,
        env=tiny_run.environment(),
    )


def wait_for(path, process):
    deadline = time.monotonic() + 300
    while not path.exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    'launcher, number, code',
    [
        (False, signal.SIGINT, 130),
        (False, signal.SIGTERM, 143),
        (False, signal.SIGUSR1, 75),
        (True, signal.SIGTERM, 143),
    ],
)
def test_a_signal_ends_a_run_with_one_message(
    tmp_path, launcher, number, code
):
    process = started(tmp_path, launcher)
    work_dir = tmp_path / 'work'
    try:
        wait_for(work_dir / 'last_checkpoint', process)
        os.kill(process.pid, number)
    finally:
        found, output = tiny_run.finish(process)
    assert found == code, output
    latest = (work_dir / 'last_checkpoint').read_text()
    assert f'the latest checkpoint is {latest}. To go on:\n' in output
    assert output.count('Interrupted') == 1
    tool = 'dist_train.sh' if launcher else 'train.py'
    command = output.partition('To go on:\n')[2].splitlines()[0]
    assert tool in command and command.endswith(f'{work_dir} --resume')
    assert 'Traceback' not in output
    files = [path.name for path in work_dir.iterdir() if path.is_file()]
    assert sorted(files) == [
        os.path.basename(latest),
        'last_checkpoint',
        'tiny.py',
    ]


@pytest.mark.slow
def test_a_signal_before_training(tmp_path):
    process = started(tmp_path, launcher=False)
    # Python handles signals by now, and torch is not there yet.
    time.sleep(1)
    process.terminate()
    code, output = tiny_run.finish(process)
    assert code == 143, output
    assert output == 'Interrupted before training began.\n'


HELD = """
import sys, time
open(sys.argv[1], 'w').close()
time.sleep(30)
"""


@pytest.mark.slow
def test_reproduce_ends_its_command(tmp_path):
    """And gives the folder free for the next call."""
    script = tmp_path / 'call.py'
    script.write_text(f"""
import sys
from pathlib import Path
sys.path[:0] = [{str(tiny_run.ROOT)!r}, {str(tiny_run.ROOT / 'tests')!r}]
import tiny_run
from aemim_mm.reproduction.executor import Executor
from aemim_mm.reproduction.plan import Plan
from aemim_mm.reproduction.steps import Step
out = Path({str(tmp_path)!r})
step = Step('run', 'train', 'kind', out, (
    'python', '-c', {HELD!r}, str(out / 'begun')), out / 'never')
tool = tiny_run.load_tool('reproduce')
sys.exit(tool.execute(Executor(Plan((), ((step,),), ())), 'smoke', out))
""")
    process = tiny_run.start(
        sys.executable, script, cwd=tmp_path, env=tiny_run.environment()
    )
    wait_for(tmp_path / 'begun', process)
    begin = time.monotonic()
    process.terminate()
    code, output = tiny_run.finish(process)
    assert code == 143, output
    assert output.endswith(
        'Interrupted. Run the same command again to continue.\n'
    )
    assert 'Traceback' not in output
    assert time.monotonic() - begin < 25
    note = json.loads((tmp_path / 'reproduction.json').read_text())
    assert note == dict(preset='smoke')
