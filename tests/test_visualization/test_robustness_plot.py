# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.visualization.robustness_plot import draw_robustness

CURVES = {
    'MAE': ([0, 0.001, 0.002], [83.6, 30.0, 11.9]),
    'AEMIM': ([0, 0.002, 0.004], [83.8, 16.0, 2.0]),
}
POINTS = {'AEMIM': ([0, 8 / 255], [84.0, 0.0])}


def drawn(figure):
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in figure.axes[0].lines
    }


def test_lines_and_points():
    figure = draw_robustness(CURVES, POINTS, title='PGD-20')
    assert drawn(figure) == {
        **CURVES,
        'AEMIM, fixed grid': POINTS['AEMIM'],
    }
    (axis,) = figure.axes
    assert axis.get_title() == 'PGD-20'
    assert axis.get_xlim() == (0, 8 / 255)
    assert axis.get_ylim() == (0, 100)
    names = [text.get_text() for text in axis.get_legend().get_texts()]
    assert names == ['MAE', 'AEMIM', 'AEMIM, fixed grid']
    points = axis.lines[-1]
    assert points.get_linestyle() == 'None' and points.get_marker() == 's'


def test_second_axis_counts_pixel_values():
    figure = draw_robustness(CURVES, max_epsilon=4 / 255)
    (axis,) = figure.axes
    assert axis.get_xlim() == (0, 4 / 255)
    (above,) = axis.child_axes
    figure.draw_without_rendering()
    assert above.get_xlim() == pytest.approx((0, 4))
    assert '255' in above.get_xlabel()


def test_told_apart_without_colour():
    curves = {f'model {i}': ([0, 1], [i, i]) for i in range(5)}
    lines = draw_robustness(curves).axes[0].lines
    styles = {
        (str(line._dash_pattern), line.get_linestyle()) for line in lines
    }
    assert len(styles) == 5


def test_only_the_clean_accuracy():
    figure = draw_robustness({'MAE': ([0], [83.6])})
    assert figure.axes[0].get_xlim() == (0, 1 / 255)


def test_nothing_or_too_little_to_draw():
    with pytest.raises(ValueError, match='no curve'):
        draw_robustness({})
    with pytest.raises(ValueError, match='x and y must have same'):
        draw_robustness({'a': ([0, 1], [5])})
    with pytest.raises(ValueError, match='empty'):
        draw_robustness({'a': ([], [])})
    with pytest.raises(ValueError, match=r"points for \['b'\]"):
        draw_robustness({'a': ([0], [5])}, {'b': ([0], [5])})
