# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from result_files import MAE, grey, write

from aemim_mm.evaluation import MinimalEpsilons
from aemim_mm.robustness.results_figure import draw_results


def lines(figure):
    return {
        line.get_label(): (line.get_xdata(), line.get_ydata())
        for line in figure.axes[0].lines
    }


def test_line_of_minimal_budgets_and_markers_of_the_grid(tmp_path):
    results, minimal = grey('tiny')
    write(tmp_path, results, minimal)
    figure = draw_results({'tiny': results}, {'tiny': tmp_path})
    drawn = lines(figure)
    assert list(drawn) == ['tiny', 'tiny, fixed grid']
    x, y = drawn['tiny']
    assert list(y) == minimal.curve(x)
    assert y[0] == 90 and len(x) > 100
    grid = results['curve']['grid']
    assert list(drawn['tiny, fixed grid'][1]) == grid['top1']
    # Uniform budgets up to 0.01: 1 % of 90 % is left near 0.0099.
    assert figure.axes[0].get_xlim()[1] == pytest.approx(0.0099, abs=2e-4)


def test_all_models_that_have_a_curve(tmp_path):
    one, first = grey('one')
    two, _ = grey('two', seed=1)
    del two['curve']['minimal_eps']
    write(tmp_path / '1', one, first)
    models = {'one': one, 'none': MAE, 'two': two}
    folders = {'one': tmp_path / '1', 'none': tmp_path, 'two': tmp_path}
    figure = draw_results(models, folders)
    drawn = lines(figure)
    assert list(drawn) == ['one', 'one, fixed grid', 'two']
    assert list(drawn['two'][0]) == two['curve']['grid']['eps']
    # The grid of the second falls to nothing at 0.02.
    assert figure.axes[0].get_xlim() == (0, 0.02)


def test_never_fooled(tmp_path):
    results, _ = grey('strong')
    results['curve']['grid'] = None
    minimal = MinimalEpsilons(
        torch.arange(3), torch.tensor([0.0, 0.1, torch.inf]).double()
    )
    write(tmp_path, results, minimal)
    figure = draw_results({'strong': results}, {'strong': tmp_path})
    (curve,) = lines(figure).values()
    assert curve[0][-1] == pytest.approx(0.1)
    assert curve[1][-1] == pytest.approx(100 / 3)


def test_nothing_to_draw(tmp_path):
    assert draw_results({'MAE': MAE}, {'MAE': tmp_path}) is None


def test_file_of_minimal_budgets_is_missing(tmp_path):
    results, _ = grey('tiny')
    drawn = lines(draw_results({'tiny': results}, {'tiny': tmp_path}))
    assert list(drawn['tiny'][1]) == results['curve']['grid']['top1']


def test_minimal_budgets_of_another_run(tmp_path):
    results, minimal = grey('tiny')
    write(tmp_path, results, minimal)
    results['per_image'] = dict(sha256={'minimal.npz': 'another'})
    drawn = lines(draw_results({'tiny': results}, {'tiny': tmp_path}))
    assert list(drawn['tiny'][1]) == results['curve']['grid']['top1']
