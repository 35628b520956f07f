# Copyright (c) aemim_mm contributors. All rights reserved.
"""The study: its rows, its steps, and what is kept of them."""

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config
from tiny_run import load_tool

from aemim_mm.reproduction import steps
from aemim_mm.reproduction.commands import Place
from aemim_mm.reproduction.steps import ROOT
from aemim_mm.reproduction.study import plan_study, read_study
from aemim_mm.reproduction.study_report import (
    study_text,
    sweep_score,
)
from aemim_mm.reproduction.study_results import (
    has_cost,
    is_complete,
    list_strays,
    write_cost,
    write_results,
)
from aemim_mm.reproduction.study_table import StudyTable

STUDY = read_study()
OUT = Path('/out')
RESULTS = ROOT / STUDY.results
MAIN = STUDY.group('main')


def plan(*patterns, seeds=None):
    return plan_study(STUDY, patterns, seeds, Place(OUT, 1))


@cache
def read_config(path):
    return Config.fromfile(ROOT / path)


def config_of(step):
    return copy.deepcopy(read_config(step.configs[0]))


def options_of(step):
    place = step.command.index('--cfg-options') + 1
    return dict(word.split('=', 1) for word in step.command[place:])


def test_rows_and_seeds():
    assert len(MAIN.runs) == 10
    for run in MAIN.runs:
        expected = 5 if run in ('mae', 'aemim') else 3
        assert len(set(MAIN.seeds_of(run))) == expected
    names = [run for group in STUDY.groups for run in group.runs]
    assert len(set(names)) == len(names)  # they are folders


def test_every_option_is_one_of_its_config():
    """A misspelt key would change nothing."""
    checked = 0
    for step in plan(seeds=[0]).steps():
        if '--cfg-options' not in step.command:
            continue
        cfg = config_of(step)
        for key in options_of(step):
            value = cfg
            for part in key.split('.')[:-1]:
                value = value[int(part) if part.isdigit() else part]
            last = key.rpartition('.')[2]
            new = ('indices', 'val_interval', 'interval', 'step_size')
            assert last in value or last in new, (step.chain, key)
            checked += 1
    assert checked > 500


def test_schedules_end_with_the_training():
    for step in plan(seeds=[0]).steps():
        if '--cfg-options' not in step.command:
            continue
        cfg = config_of(step)
        options = {k: v for k, v in options_of(step).items() if v.isdigit()}
        cfg.merge_from_dict({k: int(v) for k, v in options.items()})
        warm_up, cosine = cfg.param_scheduler
        assert warm_up.end == cosine.begin
        assert cosine.end == cfg.train_cfg.max_epochs
        assert cosine.T_max == cosine.end - cosine.begin
        name = step.output.name
        assert name == f'epoch_{cfg.train_cfg.max_epochs}.pth'
        for hook in cfg.custom_hooks:
            if hook.type == 'ReconstructionHook':
                assert hook.interval == cfg.train_cfg.max_epochs


def test_a_tree_has_pictures_of_one_number_per_class():
    """Another number is refused by the tool."""
    tool = load_tool('make_corruptions')
    made = [
        tool.parse_args(step.command[2:])
        for step in plan('main').data
        if step.command[1] == 'tools/make_corruptions.py'
    ]
    assert [args.per_class for args in made] == [200, 100, 10]
    assert len({args.out for args in made}) == 3


def test_seed_after_seed_and_only_what_is_asked_for():
    chains = [chain[0].chain for chain in plan('main').chains]
    assert chains[:3] == ['none/seed0', 'mae/seed0', 'aemim/seed0']
    assert chains[10] == 'none/seed1' and chains[-1] == 'aemim/seed4'
    assert len(chains) == 34
    assert [c[0].chain for c in plan('noise', seeds=[1, 7]).chains] == [
        'noise/seed1'
    ]
    with pytest.raises(ValueError, match='nothing-of-this.*\n  sweep: '):
        plan('mae', 'nothing-of-this')
    with pytest.raises(ValueError, match=r'--seeds \[7\]: no row of noise'):
        plan('noise', seeds=[7])


def test_a_name_stands_for_itself_alone():
    found = plan('mae', 'aemim', seeds=[1]).chains
    assert [chain[0].chain for chain in found] == ['mae/seed1', 'aemim/seed1']
    found = plan('MAE', seeds=[1]).chains
    assert [chain[0].chain for chain in found] == [
        'mae/seed1',
        'mae-long/seed1',
    ]


def test_steps_of_a_row():
    (chain,) = plan('aemim', seeds=[4]).chains
    assert [step.name for step in chain] == ['pretrain', *MAIN.steps]
    weights = 'model.backbone.init_cfg.checkpoint'
    for step in chain[1:5]:
        assert options_of(step)[weights] == str(chain[0].output)
    tuned = chain[3]
    assert tuned.name == 'finetune-100'
    assert all(step.inputs == (tuned.output,) for step in chain[5:])
    assert plan('aemim').data and not plan('sweep').data[1:]


def test_without_pretraining_no_weights_are_loaded():
    chain = plan('none', seeds=[0]).chains[0]
    assert chain[0].name == 'finetune-1'
    assert options_of(chain[0])['model.backbone.init_cfg'] == 'None'


def test_the_sweep_does_not_see_the_test_images():
    for chain in plan('sweep').chains:
        pretrain, *stages = map(options_of, chain)
        assert pretrain['train_dataloader.dataset.indices'] == '50000'
        for options in stages:
            dataset = 'val_dataloader.dataset.'
            assert options[f'{dataset}split'] == 'train'
            assert options[f'{dataset}test_mode'] == 'False'
            assert options[f'{dataset}indices'] == '-10000'


def chosen(scores):
    """The criterion: the smallest of those within 0.3 points of the best."""
    assert 'within 0.3 points of it the smallest' in STUDY.criterion
    best = max(score for _, score in scores)
    return min(value for value, score in scores if score >= best - 0.3)


def test_the_budgets_are_those_that_the_criterion_chooses():
    table, sweep = StudyTable(RESULTS), STUDY.group('sweep')
    for prefix, key in (('eps', 'epsilon'), ('rho', 'budget')):
        scores = [
            (
                row.options[f'model.attack.{key}'],
                sweep_score(table, sweep, run),
            )
            for run, row in sweep.runs.items()
            if run.startswith(f'sweep-{prefix}')
        ]
        rows = [
            row.options[f'model.attack.{key}']
            for row in MAIN.runs.values()
            if f'model.attack.{key}' in row.options
        ]
        assert set(rows) == {chosen(scores)}
        # The report says so.
        tried = [value for value, _ in scores]
        assert chosen(scores) in (min(tried), max(tried))


def test_what_the_report_says_of_the_sweep():
    table, sweep = StudyTable(RESULTS), STUDY.group('sweep')
    scores = {
        row.name: sweep_score(table, sweep, run)
        for run, row in sweep.runs.items()
    }
    above = [name for name, s in scores.items() if s > scores['MAE']]
    assert above == ['epsilon 16', 'epsilon 32']
    note = ' '.join(STUDY.notes['sweep'].split())
    assert 'Both chosen values are at an end of what was tried' in note
    assert 'only epsilon 16 and 32 are above MAE' in note


def finish(step, seconds, **files):
    step.output.parent.mkdir(parents=True, exist_ok=True)
    if not step.output.exists():
        step.output.write_text(f'weights of {step.name}')
    step.write_state(step.made_from(), seconds)
    for name, lines in files.items():
        path = step.folder / step.name / name / 'vis_data/scalars.json'
        path.parent.mkdir(parents=True)
        path.write_text('\n'.join(map(json.dumps, lines)))


def test_results_are_kept_with_what_they_were_made_with(tmp_path):
    place = Place(tmp_path / 'out', 1)
    (chain,) = plan_study(STUDY, ['mae'], [3], place).chains
    pretrain, one, ten = chain[:3]
    finish(
        pretrain,
        61.23,
        run=[dict(epoch=e, step=e, loss=1 / e) for e in (1, 1, 2)],
    )
    # Resumed: the last validation counts.
    first = [{'accuracy/top1': 50.0, 'step': 1}]
    finish(one, 5.0, a=first, b=[{'accuracy/top1': 71.25, 'step': 40}])
    finish(ten, None, a=first)  # it still runs
    for step in (pretrain, one):
        write_results(STUDY, chain, step, tmp_path)
    content = json.loads((tmp_path / 'mae/seed3.json').read_text())
    assert (content['run'], content['seed']) == ('mae', 3)
    cells = content['steps']
    assert set(cells) == {'pretrain', 'finetune-1'}
    assert cells['pretrain']['values'] == {'epoch': [1, 2], 'loss': [1, 0.5]}
    assert cells['finetune-1']['values'] == {'top1': 71.25}
    entry = cells['pretrain']
    assert entry['config'] == f'configs/{MAIN.runs["mae"].config}'
    assert 'randomness.seed=3' in entry['settings']
    assert entry['seconds'] == 61.2 and 'mmpretrain' in entry
    assert len(entry['commit']) >= 7
    assert is_complete([pretrain, one], tmp_path)
    assert not is_complete(chain, tmp_path)
    (other,) = plan_study(STUDY, ['mae'], [4], place).chains
    assert not is_complete(other[:1], tmp_path)
    # A later call that finds it there takes nothing away.
    write_results(STUDY, chain, pretrain, tmp_path)
    again = json.loads((tmp_path / 'mae/seed3.json').read_text())
    assert again == content


def test_a_file_of_results_is_of_one_pretraining(tmp_path):
    (chain,) = plan_study(STUDY, ['mae'], [3], Place(tmp_path, 1)).chains
    pretrain, one, *_, hundred, _, robust, _ = chain
    path = tmp_path / 'mae/seed3.json'

    def kept():
        return set(json.loads(path.read_text())['steps'])

    robust.output.parent.mkdir(parents=True)
    robust.output.write_text('{}')
    finish(pretrain, 1.0, a=[dict(epoch=1, step=1, loss=1)])
    for step in (one, hundred):
        finish(step, 1.0, a=[{'accuracy/top1': 50.0, 'step': 1}])
    finish(robust, 1.0)
    for step in (pretrain, one, hundred, robust):
        write_results(STUDY, chain, step, tmp_path)
    assert kept() == {'pretrain', 'finetune-1', 'finetune-100', 'robust'}
    hundred.output.write_text('trained again')
    write_results(STUDY, chain, hundred, tmp_path)
    assert kept() == {'pretrain', 'finetune-1', 'finetune-100'}
    finish(robust, 1.0)
    write_results(STUDY, chain, robust, tmp_path)
    # The first results do not say which weights they are of.
    content = json.loads(path.read_text())
    del content['steps']['robust']['weights_sha256']
    path.write_text(json.dumps(content))
    pretrain.output.write_text('trained again')
    write_results(STUDY, chain, pretrain, tmp_path)
    assert kept() == {'pretrain'}


def test_results_of_another_config_are_not_complete(tmp_path):
    (chain,) = plan_study(STUDY, ['mae'], [3], Place(tmp_path, 1)).chains
    pretrain = chain[0]
    finish(pretrain, 1.0, a=[dict(epoch=1, step=1, loss=1)])
    # What is written is what the record says, not what a config says now.
    path = f'configs/{MAIN.runs["mae"].config}'
    pretrain.write_state({**pretrain.made_from(), path: 'another'}, 1.0)
    write_results(STUDY, chain, pretrain, tmp_path)
    assert not is_complete([pretrain], tmp_path)
    assert list_strays([chain], tmp_path) == ['mae/seed3 pretrain']


def test_results_of_no_row_or_seed_are_strays(tmp_path):
    (chain,) = plan_study(STUDY, ['mae'], [3], Place(tmp_path, 1)).chains
    finish(chain[0], 1.0, a=[dict(epoch=1, step=1, loss=1)])
    write_results(STUDY, chain, chain[0], tmp_path)
    assert list_strays([chain], tmp_path) == []
    assert list_strays(plan('aemim').chains, tmp_path) == [
        'mae/seed3 pretrain'
    ]


def test_a_step_is_of_the_code_that_it_began_with(tmp_path, monkeypatch):
    (chain,) = plan_study(STUDY, ['mae'], [3], Place(tmp_path, 1)).chains
    monkeypatch.setattr(steps, 'made_with', lambda: {'commit': 'a'})
    chain[0].write_state({}, None)
    monkeypatch.setattr(steps, 'made_with', lambda: {'commit': 'b'})
    chain[0].write_state({}, 1.0)
    assert chain[0].state()['made_with'] == {'commit': 'a'}
    chain[0].write_state({}, None)
    assert chain[0].state()['made_with'] == {'commit': 'b'}


def test_results_of_the_robustness_suite(tmp_path):
    place = Place(tmp_path / 'out', 1)
    (chain,) = plan_study(STUDY, ['mae'], [3], place).chains
    (robust,) = (step for step in chain if step.name == 'robust')
    robust.output.parent.mkdir(parents=True)
    fgsm = {'0': 90.0, '8': 10.0, 'average': 50.0, 'images': 1000}
    fog = {'fog': {'error': [1.0, 2.0], 'ce': None}}
    content = dict(
        c=dict(mce=None, mean_error=31.5, per_corruption=fog), fgsm=fgsm
    )
    robust.output.write_text(json.dumps(content))
    finish(robust, 9.0)
    write_results(STUDY, chain, robust, tmp_path)
    table = StudyTable(tmp_path)
    measures = STUDY.measures
    assert table.measured('mae', measures['corruptions, error']) == {3: 31.5}
    assert table.measured('mae', measures['FGSM, average']) == {3: 50.0}
    assert table.measured('mae', measures['PGD-20, average']) == {}
    assert table.values('mae', 'robust', 'c_error') == {3: {'fog': [1, 2]}}


def test_committed_results_can_be_traced():
    """To a seed, a config as it is now, its settings and a commit."""
    assert list_strays(plan().chains, RESULTS) == []
    for path in RESULTS.glob('*/*.json'):
        content = json.loads(path.read_text())
        assert path == RESULTS / content['run'] / f'seed{content["seed"]}.json'
        for entry in content['steps'].values():
            assert len(entry['commit']) == 40  # not 'dirty', not 'unknown'
            assert entry['values'] and entry['seconds'] > 0
        for names in (STUDY.stages, STUDY.suites):
            weights = {
                content['steps'][name].get('weights_sha256')
                for name in names
                if name in content['steps']
            }
            assert len(weights) <= 1, path
    cost = RESULTS / 'cost.json'
    if cost.exists():
        (step,) = plan('cost').cost
        content = json.loads(cost.read_text())
        settings = list(step.identity[len(step.configs) :])
        assert list(content['rows']) == list(step.configs)
        assert content['settings'] == settings and len(content['commit']) == 40


def test_a_report_is_of_no_strays(tmp_path, monkeypatch):
    tool = load_tool('reproduce')
    monkeypatch.setattr(tool, 'ROOT', tmp_path)
    path = tmp_path / STUDY.results / 'mae/seed9.json'
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(dict(run='mae', seed=9, steps={'robust': {}})))
    with pytest.raises(ValueError, match='than now: mae/seed9 robust. Run'):
        tool.main(['study', '--report'])


def test_the_cost_comes_last_and_is_kept(tmp_path):
    place = Place(tmp_path / 'out', 1)
    made = plan_study(STUDY, ['cost'], None, place)
    assert not made.chains and not plan('mae').cost and plan().cost
    (step,) = made.cost
    write_cost(step, tmp_path)  # not finished: nothing to keep
    step.output.parent.mkdir(parents=True)
    row = dict(name='a', seconds=1.0, ratio=2.5, floor_operations=2.0)
    rows = [row for _ in step.configs]
    step.output.write_text(json.dumps(dict(machine='two cores', rows=rows)))
    assert not has_cost(step, tmp_path)
    finish(step, 3.0)
    write_cost(step, tmp_path)
    one = {**STUDY.cost, 'configs': STUDY.cost['configs'][:2]}
    cost = StudyTable(tmp_path).cost
    assert list(cost['rows']) == list(step.configs)
    assert set(map(str, cost['rows'].values())) == {
        "{'ratio': 2.5, 'floor_operations': 2.0}"
    }
    assert has_cost(step, tmp_path)
    fewer = plan_study(replace(STUDY, cost=one), ['cost'], None, place)
    assert not has_cost(fewer.cost[0], tmp_path)
    assert cost['machine'] == 'two cores' and '--threads' in cost['settings']
    text = study_text(STUDY, StudyTable(tmp_path), [])
    assert '| without adapters | 2.50 | 2.50 | 2.00 |' in text
    assert '| MAE, 24 epochs | 2.50 | 7.50 | 6.00 |' in text
