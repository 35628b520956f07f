# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from aemim_mm.evaluation import corruption_scores, robustness_score
from aemim_mm.evaluation.corruption_scores import ALEXNET_ERRORS, CORRUPTIONS


def alexnet(factor=100.0):
    """AlexNet's errors in percent; severities differ around their mean."""
    shifts = (-10, -5, 0, 5, 10)
    return {
        name: {i: factor * e + x / 2 for i, x in enumerate(shifts, 1)}
        for name, e in ALEXNET_ERRORS.items()
    }


def test_alexnet_itself_has_100():
    scores = corruption_scores(alexnet())
    assert scores['mce'] == pytest.approx(100)
    # The mean of the 15 published numbers.
    assert scores['mean_error'] == pytest.approx(78.8993, abs=1e-4)
    assert scores['cells'] == 75
    assert list(scores['per_corruption']) == list(CORRUPTIONS)
    fog = scores['per_corruption']['fog']
    assert fog['ce'] == pytest.approx(100)
    assert fog['error'] == pytest.approx(
        [76.9324, 79.4324, 81.9324, 84.4324, 86.9324]
    )


def test_mce_is_a_mean_of_ratios():
    cells = {name: dict.fromkeys(range(1, 6), 30.0) for name in CORRUPTIONS}
    cells['brightness'] = {1: 0.0, 2: 10.0, 3: 20.0, 4: 30.0, 5: 90.0}
    scores = corruption_scores(cells)
    assert scores['mean_error'] == pytest.approx(30)
    assert scores['per_corruption']['brightness']['ce'] == pytest.approx(
        30 / 0.564592
    )
    expected = sum(30 / e for e in ALEXNET_ERRORS.values()) / 15
    assert scores['mce'] == pytest.approx(expected)
    # Not the ratio of the means.
    assert abs(expected - 30 / 0.788993) > 0.5


def test_no_mce_unless_all_cells_are_there():
    cells = alexnet()
    del cells['snow'][3]
    scores = corruption_scores(cells)
    assert scores['mce'] is None
    assert scores['cells'] == 74
    assert scores['per_corruption']['snow']['ce'] is None
    assert scores['per_corruption']['snow']['error'][2] is None
    assert scores['per_corruption']['frost']['ce'] == pytest.approx(100)
    del cells['snow']
    scores = corruption_scores(cells)
    assert scores['mce'] is None and 'snow' not in scores['per_corruption']
    scores = corruption_scores({'fog': {1: 10.0, 2: 40.0}, 'snow': {5: 70.0}})
    assert scores['mean_error'] == pytest.approx(40)


def test_other_label_spaces_have_the_mean_error_alone():
    scores = corruption_scores(alexnet(), imagenet_1k=False)
    assert scores['mce'] is None
    assert {x['ce'] for x in scores['per_corruption'].values()} == {None}
    assert scores['mean_error'] == pytest.approx(78.8993, abs=1e-4)


@pytest.mark.parametrize(
    'cells, message',
    [
        ({}, 'without any cell'),
        ({'fog': {}}, 'without any cell'),
        ({'speckle_noise': {1: 5.0}}, "'speckle_noise' is none of the 15"),
        ({'gausian_noise': {1: 5.0}}, 'mean "gaussian_noise"'),
        ({'fog': {0: 5.0}}, 'severity 0 is not one of 1 to 5'),
        ({'fog': {'1': 5.0}}, "severity '1' is not one of 1 to 5"),
        ({'fog': {1: 100.5}}, 'fog, severity 1: the error is 100.5'),
        ({'fog': {1: float('nan')}}, 'the error is nan'),
    ],
)
def test_bad_cells(cells, message):
    with pytest.raises(ValueError, match=message):
        corruption_scores(cells)


def test_score():
    # Two rows of the paper's table of robustness.
    assert robustness_score(35.9, 48.3, 34.5, 51.7) == pytest.approx(41.75)
    assert robustness_score(38.0, 50.6, 36.5, 49.3) == pytest.approx(43.95)
    assert robustness_score(38.0, 50.6, 36.5, None) is None
