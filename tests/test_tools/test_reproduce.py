# Copyright (c) aemim_mm contributors. All rights reserved.
"""The command line of ``tools/reproduce.py``, and its smoke test."""

import dataclasses
import json
import shutil

import pytest
import tiny_run
from fashion_mnist_files import write_fashion_mnist


def main(*args):
    tool = tiny_run.load_tool('reproduce')
    return tiny_run.exit_code(tool.main, [str(arg) for arg in args])


def test_dry_run_prints_commands_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / 'out'
    arguments = ('table4', '--rows', 'aemim-vit-s', '--out', out, '--dry-run')
    assert main(*arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    commands = [line for line in printed if line and line[0] != '#']
    assert len(commands) == 9
    assert commands[0].startswith('tools/dist_train.sh configs/pretrain/')
    assert not out.exists()


def test_list(capsys):
    assert main('table6', '--list') == 0
    printed = capsys.readouterr().out
    assert '| MAE, ViT-B/16, 1600 epochs | 83.6 | 42.8 |' in printed


@pytest.mark.parametrize(
    'arguments, says',
    [
        ([], 'name a TABLE'),
        (['table3', '--out', 'x'], 'unknown: table3'),
        (['table4'], '--out DIR'),
        (['table4', '--out', 'x', '--seeds', '1', '1'], 'different numbers'),
        (['table4', '--out', 'x', '--gpus', '0'], '--gpus must be'),
        (['table4', '--out', 'x', '--rows', 'mea'], 'matches none'),
        (['table4', '--out', 'x', '--gpus', '6'], 'does not divide'),
        (['table4', '--out', 'x', '--jobs', '2'], 'would share the GPUs'),
        (
            ['study', '--out', 'x', '--jobs', '2', '--gpus', '2'],
            'would share the GPUs',
        ),
        (
            ['table7', '--out', 'x', '--preset', 'fashion-mnist'],
            'has no recipe for BEiT, ViT-S/16',
        ),
    ],
)
def test_what_does_not_fit(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    assert tiny_run.exit_code(main, *arguments) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_preset(tmp_path, capsys):
    (tmp_path / 'reproduction.json').write_text('{"preset": "smoke"}')
    arguments = ('table4', '--out', tmp_path, '--report')
    assert tiny_run.exit_code(main, *arguments) == 2
    message = capsys.readouterr().err
    assert '--preset smoke' in message
    assert '--preset imagenet' in message


@pytest.mark.det
def test_data_that_are_missing_are_said_before_anything_runs(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr('aemim_mm.reproduction.data_check.ROOT', tmp_path)
    arguments = ['table5', 'table6', 'table7', '--rows', 'mae-vit-b-800']
    assert main(*arguments, '--out', tmp_path / 'out') == 1
    message = capsys.readouterr().err
    for place in ('data/imagenet', 'imagenet-a', 'ares5000.txt', 'data/coco'):
        assert place in message
    assert not (tmp_path / 'out/mae-vit-b-800').exists()


def test_an_installed_package_measures_no_times(tmp_path, capsys, monkeypatch):
    tool = tiny_run.load_tool('reproduce')
    arguments = ['table4', '--rows', 'aemim-vit-s', '--dry-run', '--out']
    assert tool.main([*arguments, str(tmp_path)]) == 0
    assert tool.COST_TOOL in capsys.readouterr().out
    monkeypatch.setattr(tool, 'HOME', tmp_path)
    assert tool.main([*arguments, str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert tool.COST_TOOL not in said.out and 'finetune' in said.out
    assert said.err.count(f'{tool.COST_TOOL} is not there') == 1
    with pytest.raises(ValueError, match='run it in a checkout'):
        tool.main(['study', '--report'])


@pytest.mark.parametrize('failed, reports', [('cost', 1), ('table4', 0)])
def test_tables_are_made_without_times(tmp_path, monkeypatch, failed, reports):
    tool = tiny_run.load_tool('reproduce')
    made = []
    monkeypatch.setattr(tool, 'report', lambda *_: made.append('report'))

    def run(executor):
        for chain, name in list(executor.left):
            if chain != failed and failed == 'cost':
                del executor.left[chain, name]
        raise tool.StepError('no device')

    monkeypatch.setattr(tool.Executor, 'run', run)
    arguments = ['table4', '--rows', 'aemim-vit-s', '--out', str(tmp_path)]
    assert tool.main(arguments) == 1
    assert len(made) == reports


def test_rows_of_the_study_are_listed_and_nothing_runs(tmp_path, capsys):
    assert main('study', '--list', '--out', tmp_path) == 0
    listed = capsys.readouterr().out
    assert '`mae-long`' in listed
    assert '`train_dataloader.dataset.indices=50000`' in listed
    assert not list(tmp_path.iterdir())


def test_what_the_study_lacks(tmp_path, capsys):
    arguments = ('study', '--dry-run', '--out', tmp_path)
    assert main(*arguments) == 0
    assert '# sweep-mae/seed0' in capsys.readouterr().out
    assert main(*arguments, '--missing') == 0
    assert '# sweep-mae/seed0' not in capsys.readouterr().out
    # Nor are data made for what is there.
    arguments = (*arguments, '--rows', 'mae', '--seeds', '0')
    for options, made in ((), True), (('--missing',), False):
        assert main(*arguments, *options) == 0
        printed = capsys.readouterr().out
        assert ('make_corruptions.py' in printed) is made


def test_report_of_nothing(tmp_path, capsys):
    assert main('--report', '--out', tmp_path) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / 'report.md'),
        str(tmp_path / 'tables.json'),
    ]


def on_stand_in(preset, root):
    """The smoke preset over a small stand-in for Fashion-MNIST."""

    def placed(value):
        return str(value).replace('data/fashion_mnist', root)

    def changed(options):
        return {
            k: placed(v) if isinstance(v, str) else v
            for k, v in options.items()
        }

    made = [
        dict(entry, command=[placed(word) for word in entry['command']])
        for entry in preset.data
        if entry['name'] != 'fashion-mnist'
    ]
    return dataclasses.replace(
        preset,
        data=tuple(made),
        train_options=changed(preset.train_options),
        finetune_options={
            'val_dataloader.dataset.data_root': root,
            'val_dataloader.num_workers': 0,
        },
    )


@pytest.mark.slow
@pytest.mark.det
def test_smoke(tmp_path, monkeypatch, capsys):
    write_fashion_mnist(tmp_path / 'images', train=512, test=200)
    tool = tiny_run.load_tool('reproduce')
    read = tool.read_preset
    monkeypatch.setattr(
        tool,
        'read_preset',
        lambda name: on_stand_in(read(name), str(tmp_path / 'images')),
    )
    out = tmp_path / 'smoke'
    runs = ['mae-vit', 'aemim-vit', 'eps1', 'reconstruction', 'lambda01']
    arguments = ['all', '--preset', 'smoke', '--jobs', '2', '--out', str(out)]
    arguments += ['--rows', *runs, 'simmim']
    assert tool.main(arguments) == 0
    tables = json.loads((out / 'tables.json').read_text())
    measured = {
        (table, column)
        for table, found in tables.items()
        for row in found['rows']
        for column, value in row['values'].items()
        if value['measured'] is not None
    }
    assert measured == {
        *(('table4', c) for c in ('RPTT', 'IN')),
        ('table5', 'IN-C'),
        *(('table6', f'eps={e}') for e in (0, 1, 2, 4, 8)),
        ('table6', 'Average'),
        *(('table7', c) for c in ('APbox', 'APmask')),
        ('table8', 'Top-1'),
        *(('table9', c) for c in ('IN', 'IN-C')),
        ('figure3', 'eps=0.002'),
        ('figure4', 'Top-1'),
    }
    for name in ('figure2', 'figure3', 'figure4'):
        assert (out / f'{name}.png').is_file()
    # A second call makes what is lacking.
    shutil.rmtree(out / 'aemim-eps1/seed0/top1')
    capsys.readouterr()
    assert tool.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.count('log: ') == 1
    assert 'aemim-eps1/seed0 top1: done' in printed
