# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys

import pytest
import tiny_run

from aemim_mm_cli import __main__ as command
from aemim_mm_cli.places import TOOLS

NAME = 'aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k'
NAMES = sorted(
    path.name for path in (tiny_run.ROOT / 'tools').glob('[!_]*.py')
)
HEAVY = ('torch', 'mmengine', 'aemim_mm', 'numpy')
# (script, arguments, exit code, a part of what is printed)
QUICK = [
    ('aemim_mm_cli', ['--help'], 0, 'evaluate a classifier under'),
    ('aemim_mm_cli', ['configs'], None, f'pretrain/{NAME}\n'),
    ('aemim_mm_cli', ['configs', NAME], None, '_base_ ='),
    ('aemim_mm_cli', ['train', '--help'], 0, 'usage: aemim train'),
    ('aemim_mm_cli', ['test', 'x.py'], 2, 'usage: aemim test'),
    ('aemim_mm_cli', ['train', 'no-recipe'], 2, '`aemim configs` lists'),
    *((f'tools/{name}', ['--help'], 0, '--traceback') for name in NAMES),
]
CODE = f"""
import contextlib, io, runpy, sys

for script, arguments, code, text in {QUICK}:
    sys.argv = [script, *arguments]
    run = runpy.run_path if script.endswith('.py') else runpy.run_module
    ended, printed = None, io.StringIO()
    with contextlib.redirect_stdout(printed):
        with contextlib.redirect_stderr(printed):
            try:
                run(script, run_name='__main__')
            except SystemExit as stop:
                ended = stop.code
    heavy = [name for name in {HEAVY} if name in sys.modules]
    assert not heavy, (script, arguments, heavy)
    assert ended == code, (script, arguments, ended)
    assert text in printed.getvalue(), (script, arguments, printed.getvalue())
"""


def test_answers_before_torch_is_imported():
    done = subprocess.run(
        [sys.executable, '-c', CODE],
        cwd=tiny_run.ROOT,
        env=tiny_run.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_tool_gets_its_arguments_as_typed(monkeypatch, tmp_path):
    (tmp_path / 'train.py').write_text(
        'import sys\nif __name__ == "__main__": sys.exit(repr(sys.argv))'
    )
    monkeypatch.setattr(command, 'TOOLS', tmp_path)
    monkeypatch.setattr(sys, 'argv', [])
    with pytest.raises(SystemExit) as stop:
        command.main(['train', 'x', '--version', '--', '-h'])
    words = ['aemim train', 'x', '--version', '--', '-h']
    assert stop.value.code == repr(words)


@pytest.mark.parametrize(
    'arguments', [[], ['trian'], ['configs', 'no'], ['configs', 'none*']]
)
def test_a_mistake_ends_with_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert 'usage: aemim' in capsys.readouterr().err


def test_configs_by_pattern(capsys):
    command.main(['configs', '*fast-aemim_vit-small*300e*'])
    assert capsys.readouterr().out.split() == [
        f'pretrain/ablations/{NAME}'.replace(
            'aemim_vit-small-p16', 'fast-aemim_vit-small-p16_mu4'
        ),
        f'pretrain/fast-{NAME}',
    ]


@pytest.mark.parametrize('name', ['your*', 'your_images', 'your_images/'])
def test_configs_of_a_folder(capsys, name):
    command.main(['configs', name])
    folders = tiny_run.ROOT.glob('configs/*/your_images/*.py')
    assert sorted(capsys.readouterr().out.split()) == sorted(
        f'{path.parts[-3]}/your_images/{path.stem}' for path in folders
    )


def test_a_command_is_listed_where_its_tool_is(capsys):
    with pytest.raises(SystemExit):
        command.main(['--help'])
    text = capsys.readouterr().out
    for name, (tool, _) in command.COMMANDS.items():
        there = (TOOLS / f'{tool}.py').is_file()
        assert (f'\n    {name} ' in text or f'\n    {name}\n' in text) == there
    assert '\n    train ' in text
