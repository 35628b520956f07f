# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import tiny_run
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import (
    ChildFailedError,
    ProcessFailure,
)

TOOLS = tiny_run.ROOT / 'tools'


def run(script, *args, cwd):
    env = tiny_run.environment()
    env.pop('PORT', None)
    process = tiny_run.start('bash', TOOLS / script, *args, cwd=cwd, env=env)
    code, output = tiny_run.finish(process)
    assert code == 0, output
    return output


def test_dist_train_on_two_cpu_processes(tmp_path):
    folder = tmp_path / 'with space'
    data = tiny_run.write_images(folder / 'data', num=16)
    cfg = tiny_run.pretrain_cfg(data, tiny_run.aemim())
    cfg['train_dataloader']['num_workers'] = 0
    cfg['train_cfg']['max_epochs'] = 1
    path = tiny_run.write_config(folder / 'tiny.py', cfg)
    output = run(
        'dist_train.sh',
        path,
        2,
        '--work-dir',
        folder / 'work dir',
        '--amp',
        '--cfg-options',
        'model.loss_ratio=0.25',
        cwd=tmp_path,
    )
    # 16 images are 2 steps of 4 images in each of 2 processes.
    logged = tiny_run.scalars(folder / 'work dir')
    assert sorted(logged) == [1, 2]
    for values in logged.values():
        raw = values['recon_clean'], values['recon_adv']
        total = 0.25 * raw[0] + 0.75 * raw[1]
        assert values['loss'] == pytest.approx(total, rel=1e-4)
    assert (folder / 'work dir/epoch_1.pth').is_file()
    assert '8 = 4 per process x 2 processes x 1' in output
    assert output.count('automatic mixed precision is switched off') == 1
    assert output.count('The effective batch size is 8, but') == 1


@pytest.mark.slow
def test_dist_test_gives_the_accuracy_of_one_process(tmp_path):
    data = tiny_run.write_images(tmp_path / 'data', num=8)
    cfg = tiny_run.classify_cfg(data)
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    model = MODELS.build(cfg['model']).eval()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'model.pth')
    loader = Config(cfg).test_dataloader
    loader['collate_fn'] = dict(type='default_collate')
    right = [
        sample.pred_label.item() == sample.gt_label.item()
        for batch in Runner.build_dataloader(loader)
        for sample in model.test_step(batch)
    ]
    run(
        'dist_test.sh',
        path,
        tmp_path / 'model.pth',
        2,
        '--out',
        tmp_path / 'out.json',
        '--out-item',
        'metrics',
        cwd=tmp_path,
    )
    metrics = json.loads((tmp_path / 'out.json').read_text())
    assert len(right) == 8
    assert metrics == {'accuracy/top1': pytest.approx(100 * sum(right) / 8)}


def fake(folder, name, first=''):
    """A program that prints its arguments, one a line, after ``first``."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{first}\nfor a in "$@"; do echo "$a"; done\n')
    path.chmod(0o755)


def arguments(tmp_path, script, *args, **variables):
    """What a script of a clone in tmp_path hands to its launcher."""
    (tmp_path / 'tools').mkdir(exist_ok=True)
    for name in (script, '_torchrun.sh', '_torchrun.py'):
        shutil.copy(TOOLS / name, tmp_path / 'tools')
    env = {**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}'}
    for name in ('PYTHON', 'PORT', 'MASTER_PORT', 'AEMIM_COMMAND'):
        env.pop(name, None)
    done = subprocess.run(
        ['bash', tmp_path / 'tools' / script, *args],
        env={**env, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_torchrun_is_called_with_the_variables(tmp_path):
    fake(tmp_path, 'python')
    args = arguments(
        tmp_path,
        'dist_train.sh',
        'a b.py',
        '4',
        '--cfg-options',
        'x=[1, 2]',
        NNODES='2',
        NODE_RANK='1',
        PORT='1234',
        MASTER_ADDR='10.0.0.1',
    )
    assert args == [
        f'{tmp_path}/tools/_torchrun.py',
        '--nnodes=2',
        '--node_rank=1',
        '--master_addr=10.0.0.1',
        '--master_port=1234',
        '--nproc_per_node=4',
        f'{tmp_path}/tools/train.py',
        'a b.py',
        '--launcher',
        'pytorch',
        '--cfg-options',
        'x=[1, 2]',
    ]


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
@pytest.mark.parametrize('nodes', ['1', '2'])
def test_a_busy_port_is_named(script, nodes):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            ['bash', TOOLS / script, *SCRIPTS[script]],
            env={**os.environ, 'PORT': port, 'NNODES': nodes},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2
    assert f'PORT={port} is busy' in done.stderr


def test_several_nodes_need_a_port_that_all_know(tmp_path):
    fake(tmp_path, 'python')
    args = arguments(
        tmp_path, 'dist_train.sh', 'c.py', '4', NODE_RANK='1', NNODES='2'
    )
    assert '--master_port=29500' in args
    args = arguments(tmp_path, 'dist_train.sh', 'c.py', '4')
    assert args[1] == '--standalone'
    assert args[3] == '--nproc_per_node=4'


def test_python_selects_the_interpreter(tmp_path):
    fake(tmp_path, 'python')
    fake(tmp_path, 'mypython')
    args = arguments(
        tmp_path, 'dist_test.sh', 'c.py', 'd.pth', '2', PYTHON='mypython'
    )
    assert args[0] == f'{tmp_path}/tools/_torchrun.py'
    assert '--nproc_per_node=2' in args
    assert args[-5:] == [
        f'{tmp_path}/tools/test.py',
        'c.py',
        'd.pth',
        '--launcher',
        'pytorch',
    ]


SCRIPTS = {
    'dist_train.sh': ['c.py', '2'],
    'dist_test.sh': ['c.py', 'd.pth', '2'],
    'slurm_train.sh': ['part', 'job', 'c.py', 'w'],
}


@pytest.mark.parametrize('script', SCRIPTS)
def test_interpreter_of_the_clone_unless_python_names_one(tmp_path, script):
    # srun runs what it is given, behind its options.
    fake(tmp_path, 'srun', 'while [ "$2" != -u ]; do shift; done; exec "$@"')
    for name in ('mypython', '.venv/bin/python', 'python'):
        fake(tmp_path, name, f'echo {name} runs')

    def first(**variables):
        return arguments(tmp_path, script, *SCRIPTS[script], **variables)[0]

    assert first() == '.venv/bin/python runs'
    assert first(PYTHON='mypython') == 'mypython runs'
    (tmp_path / '.venv/bin/python').unlink()
    assert first() == 'python runs'


@pytest.mark.parametrize(
    'script, variables, typed',
    [
        ('dist_train.sh', {}, '{} "c d.py" 2 --resume'),
        (
            'dist_train.sh',
            dict(PORT='12', NNODES='1', GPUS='9'),
            'PORT=12 NNODES=1 {} "c d.py" 2 --resume',
        ),
        (
            'slurm_train.sh',
            dict(GPUS='9', SRUN_ARGS='--time=1 --x'),
            'GPUS=9 "SRUN_ARGS=--time=1 --x" {} part job "c d.py" w --resume',
        ),
    ],
)
def test_what_was_typed_is_known(tmp_path, script, variables, typed):
    for name in ('srun', 'python'):
        fake(tmp_path, name, 'echo "$AEMIM_COMMAND"')
    args = ['c d.py', '2']
    if script == 'slurm_train.sh':
        args = ['part', 'job', 'c d.py', 'w']
    said = arguments(tmp_path, script, *args, '--resume', **variables)[0]
    path = shlex.quote(str(tmp_path / 'tools' / script))
    assert shlex.split(said) == shlex.split(typed.format(path))


KILLED = 'process 0 was killed by SIGKILL; the others were stopped'


@pytest.mark.parametrize(
    'name, ends, code, says',
    [
        ('train.py', None, 0, ''),
        ('train.py', {0: 75}, 75, ''),
        ('train.py', {0: 2}, 2, ''),
        # The first speaks for all.
        ('train.py', {1: 75}, 75, ''),
        ('train.py', {1: 2}, 2, 'error: process 1 ended with exit code 2'),
        ('train.py', {1: -9}, 137, f'error: {KILLED.replace("0", "1", 1)}. '),
        # A test is not resumed.
        ('test.py', {0: -9}, 137, f'error: {KILLED}\n'),
        ('train.py', signal.SIGTERM, 143, ''),
    ],
)
def test_exit_code_of_several_processes(
    monkeypatch, capsys, name, ends, code, says
):
    def run(args):
        if isinstance(ends, dict):
            raise ChildFailedError(
                name,
                {
                    rank: ProcessFailure(rank, 100 + rank, end, error_file='')
                    for rank, end in ends.items()
                },
            )
        if ends:
            raise SignalException('stopped', ends)

    launcher = tiny_run.load_tool('_torchrun')
    monkeypatch.setattr(launcher, 'run', run)
    monkeypatch.setattr(sys, 'argv', ['_torchrun.py', name])
    assert launcher.main() == code
    said = capsys.readouterr().err
    assert said.startswith(says) and bool(said) == bool(says)


@pytest.mark.slow
def test_a_process_that_was_killed(tmp_path):
    script = tmp_path / 'train.py'
    script.write_text('import os\nos.kill(os.getpid(), 9)\n')
    done = subprocess.run(
        [
            *(sys.executable, TOOLS / '_torchrun.py', '--standalone'),
            *('--local-addr=127.0.0.1', '--nproc_per_node=1', script),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 137, done.stderr
    how = 'The same command with --resume goes on'
    assert f'error: {KILLED}. {how}' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.slow
def test_an_error_of_one_of_two_processes(tmp_path):
    """What one process alone finds is told, whatever the first says."""
    script = tmp_path / 'train.py'
    script.write_text("""
import os, time
from torch import distributed
from aemim_mm.launcher.interruptions import Interruptions
from aemim_mm_cli.user_errors import user_errors

with Interruptions(), user_errors(False):
    distributed.init_process_group('gloo')
    if os.environ['RANK'] == '0':
        time.sleep(60)
    raise OSError('no such disk')
""")
    done = subprocess.run(
        [
            *(sys.executable, TOOLS / '_torchrun.py', '--standalone'),
            *('--local-addr=127.0.0.1', '--nproc_per_node=2', script),
        ],
        env=tiny_run.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if 'error: ' in line]
    one, other = lines
    assert one.startswith('rank 1: error: ')
    assert other.startswith('error: process 1 ended with exit code 2')
    assert done.stderr.count('no such disk') == 1


@pytest.mark.parametrize(
    'variables, port',
    [
        (dict(PORT='1234'), '1234'),
        (dict(PORT='1234', MASTER_PORT='9'), '1234'),
        (dict(MASTER_PORT='9'), '9'),
        (dict(), 'none'),
    ],
)
def test_slurm_hands_the_port_on(tmp_path, variables, port):
    fake(tmp_path, 'srun', 'echo "${MASTER_PORT:-none}"')
    args = SCRIPTS['slurm_train.sh']
    said = arguments(tmp_path, 'slurm_train.sh', *args, **variables)
    assert said[0] == port


def test_slurm_asks_for_the_resources(tmp_path):
    fake(tmp_path, 'srun')
    args = arguments(
        tmp_path,
        'slurm_train.sh',
        'part',
        'job',
        'c.py',
        'w d',
        '--amp',
        GPUS='4',
        CPUS_PER_TASK='3',
        SRUN_ARGS='--time=1 --exclusive',
        PYTHON='py',
    )
    assert args == [
        '-p',
        'part',
        '--job-name=job',
        '--gres=gpu:4',
        '--ntasks=4',
        '--ntasks-per-node=4',
        '--cpus-per-task=3',
        '--kill-on-bad-exit=1',
        '--time=1',
        '--exclusive',
        'py',
        '-u',
        f'{tmp_path}/tools/train.py',
        'c.py',
        '--work-dir=w d',
        '--launcher=slurm',
        '--amp',
    ]


@pytest.mark.parametrize(
    'script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh']
)
def test_too_few_arguments_show_the_usage(script):
    done = subprocess.run(
        ['bash', TOOLS / script, 'c.py'], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert 'usage:' in done.stderr
