# Copyright (c) aemim_mm contributors. All rights reserved.
"""The commands that a table needs."""

import shlex
from pathlib import Path

import pytest

from aemim_mm.reproduction.commands import Place
from aemim_mm.reproduction.manifest import read_preset, read_tables
from aemim_mm.reproduction.plan import make_plan, select_rows

TABLES = read_tables()
OUT = Path('/out')
CONFIG = 'vit-small-p16_8xb512-amp-coslr-300e_in1k.py'
TUNED = 'configs/finetune/vit-small-p16_8xb256-amp-coslr-200e_in1k.py'


def plan(*names, rows=(), seeds=(0,), gpus=8, preset='imagenet'):
    selected = select_rows([TABLES[name] for name in names], rows)
    return make_plan(read_preset(preset), selected, seeds, Place(OUT, gpus))


def test_commands_of_a_row():
    made = plan('table4', rows=['mae-vit-s-300'])
    folder = '/out/mae-vit-s-300/seed0'
    texts = [shlex.join(step.command) for step in made.steps()]
    assert texts[0] == (
        f'tools/dist_train.sh configs/pretrain/mae_{CONFIG} 8 '
        f'--work-dir {folder}/pretrain --resume '
        '--cfg-options randomness.seed=0'
    )
    assert texts[1] == (
        f'tools/dist_train.sh {TUNED} 8 --work-dir {folder}/finetune '
        '--resume --cfg-options randomness.seed=0 '
        'model.backbone.init_cfg.checkpoint='
        f'{folder}/pretrain/epoch_300.pth'
    )
    assert texts[2].startswith(
        'python -m torch.distributed.run --standalone --nproc_per_node=8 '
        f'tools/evaluate_robustness.py {TUNED} '
        f'{folder}/finetune/epoch_200.pth --suite imagenet '
    )
    assert '--suite real v2 ' in texts[3]
    assert [step.name for step in made.steps()] == [
        *('pretrain', 'finetune', 'top1', 'iid', 'stock-mae_vit-small-p16')
    ]
    # All of the group, whatever the rows: else a later call would take away
    # what an earlier one has measured.
    assert texts[4].count('configs/pretrain/') == 6


@pytest.mark.parametrize(
    'table, steps',
    [
        ('table5', ['pretrain', 'finetune', 'ood']),
        ('table6', ['pretrain', 'finetune', 'fgsm']),
        pytest.param(
            'table7',
            ['pretrain', 'detection', 'detection-test'],
            marks=pytest.mark.det,
        ),
        ('figure2', ['pretrain']),
        ('figure3', ['pretrain', 'finetune', 'curve']),
        ('figure4', ['pretrain', 'finetune', 'top1']),
    ],
)
def test_steps_of_a_table(table, steps):
    made = plan(table)
    assert {tuple(s.name for s in chain) for chain in made.chains} == {
        tuple(steps)
    }
    for chain in made.chains:
        for step, before in zip(chain[1:], chain, strict=False):
            # The evaluations of a run all read what was fine-tuned.
            assert step.inputs[0] in (before.output, chain[1].output)


def test_a_run_of_several_tables_is_made_once():
    made = plan('table4', 'table5', 'table8', rows=['aemim-vit-s-300'])
    own = [c for c in made.chains if c[0].chain == 'aemim-vit-s-300/seed0']
    names = [step.name for step in own[0]]
    assert len(own) == 1
    assert names == ['pretrain', 'finetune', 'top1', 'iid', 'ood']


def test_seeds_have_their_own_folders():
    made = plan('figure4', rows=['lambda 0.3'], seeds=(0, 7))
    outputs = [chain[0].output for chain in made.chains]
    folder = OUT / 'aemim-lambda03'
    assert outputs == [
        folder / f'seed{seed}/pretrain/epoch_300.pth' for seed in (0, 7)
    ]
    assert 'randomness.seed=7' in made.chains[1][1].command


@pytest.mark.parametrize(
    'run, gpus, option',
    [
        ('mae-vit-s-300', 8, None),
        ('mae-vit-s-300', 4, 'train_dataloader.batch_size=1024'),
        ('mae-vit-s-300', 1, 'train_dataloader.batch_size=4096'),
        ('mocov3-vit-s-300', 8, 'train_dataloader.batch_size=512'),
        ('mocov3-vit-s-300', 16, None),
    ],
)
def test_the_total_batch_is_kept(run, gpus, option):
    command = plan('table4', rows=[run], gpus=gpus).chains[0][0].command
    found = [word for word in command if 'batch_size' in word]
    assert found == ([] if option is None else [option])
    tool = 'tools/train.py' if gpus == 1 else 'tools/dist_train.sh'
    assert tool in command


def test_a_number_of_gpus_that_does_not_divide_the_batch():
    with pytest.raises(ValueError, match='--gpus 6 does not divide .* 4096'):
        plan('table4', rows=['mae-vit-s-300'], gpus=6)


def test_what_a_result_follows_from():
    """Neither the place nor the number of GPUs, which keep the batch."""
    rows = select_rows([TABLES['table4']], ['aemim-vit-s-300'])
    preset = read_preset('imagenet')
    steps = [
        make_plan(preset, rows, (0,), Place(out, gpus)).chains[0]
        for out, gpus in ((OUT, 8), (Path('/elsewhere'), 4))
    ]
    for one, other in zip(*steps, strict=True):
        assert one.command != other.command
        assert one.made_from() == other.made_from()
    (other_seed,) = make_plan(preset, rows, (1,), Place(OUT, 8)).chains[:1]
    assert steps[0][0].made_from() != other_seed[0].made_from()


@pytest.mark.det
def test_a_folder_may_be_called_data():
    rows = select_rows([TABLES['table7']], ['aemim-vit-s-300'])
    out = Path('/big/DATA/runs')
    made = make_plan(read_preset('smoke'), rows, (0,), Place(out, 1))
    text = ' '.join(word for step in made.steps() for word in step.command)
    assert '=/big/DATA/runs/data/mini_coco ' in text
    assert 'checkpoint=/big/DATA/runs/' in text
    assert '//' not in text and 'data/runs' not in text


def test_cost_is_measured_once_and_last():
    made = plan('table4', preset='fashion-mnist', gpus=1)
    assert made.steps()[-1] is made.cost[0]
    assert len(made.cost) == 1
    assert len([w for w in made.cost[0].command if 'pretrain/' in w]) == 4


@pytest.mark.det
def test_data_of_a_preset_come_first():
    made = plan('table4', preset='smoke', gpus=1)
    names = [step.name for step in made.data]
    assert names == ['fashion-mnist', 'images']
    names = [s.name for s in plan('table7', preset='smoke', gpus=1).data]
    assert names[-1] == 'mini-coco'
    text = shlex.join(made.data[1].command)
    assert '/out/data/images-c' in text
    assert 'DATA' not in text
    # The folder may be moved.
    rows = select_rows([TABLES['table4']], [])
    moved = make_plan(read_preset('smoke'), rows, (0,), Place(Path('/m'), 1))
    assert [step.made_from() for step in moved.data] == [
        step.made_from() for step in made.data
    ]


def test_rows_that_are_not_there():
    with pytest.raises(ValueError, match='none of the rows:\n  MoCo-v3'):
        select_rows([TABLES['table4']], ['mea'])


def test_rows_by_pattern():
    rows = select_rows([TABLES['table4']], ['fast*ViT-B', 'mae*, vit-s'])
    assert [row.run for _, row in rows] == [
        *('mae-vit-s-300', 'fast-aemim-vit-b-300', 'fast-aemim-vit-b-800')
    ]
