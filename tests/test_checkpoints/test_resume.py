# Copyright (c) aemim_mm contributors. All rights reserved.
import signal
import sys

import pytest
import tiny_run

KILL_HOOK = """
import os
import signal
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class KillHook(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        if os.environ.get('KILL_AT') == str(runner.iter):
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    'model',
    [pytest.param(tiny_run.mae, marks=pytest.mark.slow), tiny_run.aemim],
)
def test_killed_and_resumed_run_repeats_the_uninterrupted_one(tmp_path, model):
    """Kill -9 in the middle of epoch 2, then --resume, through the tool."""
    (tmp_path / 'kill_hook.py').write_text(KILL_HOOK)
    data = tiny_run.write_images(tmp_path / 'data')
    cfg = tiny_run.pretrain_cfg(data, model())
    cfg['custom_imports']['imports'].append('kill_hook')
    cfg['custom_hooks'].append(dict(type='KillHook'))
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)

    def train(work_dir, *options, **variables):
        return tiny_run.start(
            sys.executable,
            tiny_run.ROOT / 'tools/train.py',
            path,
            '--work-dir',
            tmp_path / work_dir,
            *options,
            cwd=tmp_path,
            env=tiny_run.environment(tmp_path, **variables),
        )

    whole, broken = train('whole'), train('broken', KILL_AT='8')
    code, output = tiny_run.finish(whole)
    assert code == 0, output
    code, output = tiny_run.finish(broken)
    assert code == -signal.SIGKILL, output
    before = tiny_run.scalars(tmp_path / 'broken')
    assert max(before) == 8  # epoch 2 is iterations 7 to 12

    code, output = tiny_run.finish(train('broken', '--resume'))
    assert code == 0, output
    expected = tiny_run.scalars(tmp_path / 'whole')
    resumed = tiny_run.scalars(tmp_path / 'broken')
    assert sorted(expected) == sorted(resumed) == list(range(1, 13))
    for step in expected:
        assert resumed[step]['loss'] == expected[step]['loss'], step
    # Not because nothing is random: masks and crops differ between epochs.
    losses = [values['loss'] for values in expected.values()]
    assert len(set(losses)) == 12
