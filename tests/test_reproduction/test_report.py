# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tables and figures from what finished steps have left."""

import json

import pytest
import torch

from aemim_mm.evaluation.robustness_curve import MinimalEpsilons
from aemim_mm.reproduction.commands import output_of
from aemim_mm.reproduction.manifest import read_preset, read_tables
from aemim_mm.reproduction.report import list_tables, write_report

TABLES = read_tables()


class Results:
    """Writes what steps would have left."""

    def __init__(self, out):
        self.out = out

    def leave(self, run, seed, step, content, finished=True):
        folder = self.out / run / f'seed{seed}'
        output = output_of(folder, step)
        if step == 'pretrain':
            output = folder / step / 'epoch_3.pth'
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(content))
        record = dict(made_from={}, seconds=1.0 if finished else None)
        (folder / f'{step}.json').write_text(json.dumps(record))
        return output.parent

    def report(self, *names, preset='imagenet'):
        """The values of tables.json, and the report's text."""
        tables = list(TABLES.values())
        write_report(read_preset(preset), tables, set(names), self.out)
        content = json.loads((self.out / 'tables.json').read_text())
        values = {
            table: {row['name']: row['values'] for row in found['rows']}
            for table, found in content.items()
        }
        return values, (self.out / 'report.md').read_text()


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path)


def test_mean_and_deviation_over_seeds(results):
    for seed, top1 in ((0, 81.0), (1, 82.0), (10, 83.0)):
        content = {'imagenet': {'top1': top1, 'images': 9}}
        results.leave('aemim-vit-s-300', seed, 'top1', content)
    results.leave('aemim-vit-s-300', 2, 'top1', {}, finished=False)
    values, text = results.report('table4')
    assert values['table4']['AEMIM, ViT-S/16, 300 epochs'] == {
        'RPTT': dict(paper=2.3, measured=None, std=None, n=0),
        'IN': dict(paper=81.4, measured=82.0, std=1.0, n=3),
        'IN-Real': dict(paper=87.2, measured=None, std=None, n=0),
        'IN-V2': dict(paper=70.8, measured=None, std=None, n=0),
    }
    assert '| 81.4 | 82.0 +- 1.0 (n 3) | +0.6 |' in text
    other = values['table4']['MAE*, ViT-S/16, 300 epochs']['IN']
    assert other == dict(paper=80.9, measured=None, std=None, n=0)
    assert '| 80.9 | - | - |' in text


def test_what_was_run_is_written_unasked(results):
    results.leave('aemim-vit-s-300', 0, 'fgsm', {'fgsm': {'0': 80.0}})
    results.leave('simmim-swin-b-100', 0, 'top1', {'imagenet': {'top1': 80.0}})
    values, _ = results.report('table5')
    # Table 6 has ViT-B alone.
    assert set(values) == {'table5', 'table9'}


def test_one_seed_has_no_deviation(results):
    content = {'imagenet': {'top1': 80.0}}
    results.leave('aemim-eps1', 0, 'top1', content)
    values, text = results.report('table8')
    value = values['table8']['(a) epsilon 1, ViT-S/16, 300 epochs']['Top-1']
    assert value == dict(paper=81.3, measured=80.0, std=None, n=1)
    assert '| 81.3 | 80.0 (n 1) | -1.3 | aemim-eps1 |' in text


def test_values_of_every_kind(results):
    run = 'mae-vit-b-800'
    accuracy = {name: {'top1': 40.0} for name in ('a', 'r', 'sketch')}
    results.leave(
        run, 0, 'ood', {**accuracy, 'c': {'mce': 52.0}, 'score': 42.0}
    )
    fgsm = {'0': 80.0, '1': 44.0, '2': 40.0, '4': 33.0, '8': 31.0}
    results.leave(run, 0, 'fgsm', {'fgsm': {**fgsm, 'average': 45.6}})
    results.leave(
        run,
        0,
        'detection-test',
        {'coco/bbox_mAP': 0.471, 'coco/segm_mAP': 0.42},
    )
    values, _ = results.report('table5', 'table6', 'table7')
    name = 'MAE*, ViT-B/16, 800 epochs'
    measured = {
        column: value['measured']
        for table in values.values()
        for column, value in table[name].items()
    }
    assert measured == pytest.approx(
        {
            **{'IN-A': 40.0, 'IN-R': 40.0, 'IN-S': 40.0},
            **{'IN-C': 52.0, 'Score': 42.0},
            **{f'eps={e}': v for e, v in fgsm.items()},
            **{'Average': 45.6, 'APbox': 47.1, 'APmask': 42.0},
        }
    )


def test_relative_time_is_the_ratio_of_steps_times_that_of_epochs(results):
    out = results.out / 'cost'
    out.mkdir()
    rows = [
        dict(name=f'{m}_vit-base-p16_8xb512-amp-coslr-{e}e_in1k.py', ratio=r)
        for m, e, r in (
            ('mae', 300, 1.0),
            ('mae', 800, 1.02),
            ('aemim', 800, 2.25),
        )
    ]
    path = out / 'stock-mae_vit-base-p16.json'
    path.write_text(json.dumps(dict(rows=rows)))
    values, _ = results.report('table4')
    found = {
        name: value['RPTT']['measured']
        for name, value in values['table4'].items()
    }
    assert found['AEMIM, ViT-B/16, 800 epochs'] == pytest.approx(6.0)
    assert found['MAE*, ViT-B/16, 300 epochs'] == 1.0
    assert found['MAE*, ViT-B/16, 800 epochs'] == pytest.approx(2.72)
    assert found['AEMIM, ViT-B/16, 300 epochs'] is None


def test_figures(results, tmp_path):
    for run in ('aemim-vit-s-300', 'aemim-reconstruction'):
        folder = results.leave(run, 0, 'pretrain', {})
        log = folder / '20260101_000000/vis_data'
        log.mkdir(parents=True)
        lines = [
            dict(step=s, epoch=s, loss=1.0, recon_clean=1 / s, recon_adv=2 / s)
            for s in (1, 2, 3)
        ]
        (log / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))
    for run, share in (('mae-vit-b-1600', 0.5), ('aemim-vit-b-800', 0.25)):
        curve = {'grid': {'eps': [0.0, 0.01], 'top1': [80.0, 10.0]}}
        curve['minimal_eps'] = 'minimal_epsilons.npz'
        folder = results.leave(run, 0, 'curve', {'curve': curve})
        budgets = torch.tensor([0.001] * int(8 * share) + [0.004] * 8)
        found = MinimalEpsilons(torch.arange(len(budgets)), budgets.double())
        found.save(folder / 'minimal_epsilons.npz')
    for digit, top1 in ((1, 80.0), (9, 81.0)):
        content = {'imagenet': {'top1': top1}}
        results.leave(f'aemim-lambda0{digit}', 0, 'top1', content)
    values, text = results.report('figure2', 'figure3', 'figure4')
    for name in ('figure2', 'figure3', 'figure4'):
        assert (tmp_path / f'{name}.png').read_bytes()[1:4] == b'PNG'
        assert f']({name}.png)' in text
    curve = values['figure3']
    mae = curve['MAE, ViT-B/16, 1600 epochs']['eps=0.002']
    assert mae['measured'] == pytest.approx(100 * 8 / 12)
    ours = curve['AEMIM, ViT-B/16, 800 epochs']['eps=0.002']
    assert ours['measured'] == pytest.approx(80.0)


def test_results_of_commands_that_were_run_by_hand(results):
    folder = results.leave(
        'aemim-eps1', 0, 'top1', {'imagenet': {'top1': 1.0}}
    )
    (folder.parent / 'top1.json').unlink()
    (results.out / 'aemim-eps1/seed0_old').mkdir()
    values, _ = results.report('table8')
    name = '(a) epsilon 1, ViT-S/16, 300 epochs'
    assert values['table8'][name]['Top-1']['measured'] == 1.0


def test_what_is_made_anew_does_not_count(results):
    content = {'imagenet': {'top1': 1.0}}
    folder = results.leave('aemim-eps1', 0, 'top1', content)
    record = json.dumps(dict(made_from={}, seconds=None))
    (folder.parent / 'pretrain.json').write_text(record)
    values, _ = results.report('table8')
    name = '(a) epsilon 1, ViT-S/16, 300 epochs'
    assert values['table8'][name]['Top-1']['measured'] is None


def test_nothing_is_there(results):
    values, text = results.report(*TABLES)
    assert set(values) == set(TABLES)
    numbers = {
        value['measured']
        for table in values.values()
        for row in table.values()
        for value in row.values()
    }
    assert numbers == {None}
    assert not list(results.out.glob('*.png'))
    assert 'another scale' not in text


def test_a_small_preset_gives_no_differences(results):
    results.leave('aemim-vit-s-300', 0, 'top1', {'imagenet': {'top1': 9.0}})
    values, text = results.report('table4', preset='smoke')
    assert "another scale than the paper's: a smoke test" in text
    assert '| 81.4 | 9.0 (n 1) | - |' in text
    # A run stands for the larger encoder, too.
    for size, epochs in (('S', 300), ('B', 300), ('B', 800)):
        name = f'AEMIM, ViT-{size}/16, {epochs} epochs'
        assert values['table4'][name]['IN']['measured'] == 9.0


def test_list_has_every_published_value():
    text = list_tables(list(TABLES.values()), read_preset('imagenet'))
    for table in TABLES.values():
        assert f'(Section {table.section})' in text
        for row in table.rows:
            values = ['-' if v is None else f'{v:.1f}' for v in row.paper]
            cells = ' | '.join([row.name, *values])
            assert f'| {cells} | ' in text
    cim = 'CIM-RESPIX, ViT-S/16, 300 epochs | 6.3 | 81.5 | - | -'
    assert f'| {cim} | pretrain/cim_vit-small-p16_8xb256-amp-coslr' in text
