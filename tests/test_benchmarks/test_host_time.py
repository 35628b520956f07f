# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmpretrain.models import MAE, MAEPretrainDecoder, MAEViT

from aemim_mm.algorithms import AEMIMAlgorithm
from benchmarks.host_time import (
    HEADER,
    MODELS,
    HostRow,
    measure_host,
    profile_host,
    tiny,
)


@pytest.mark.parametrize(
    'name, share, num_steps, sequential',
    [
        ('Fast AEMIM', 0.25, 1, True),
        ('Fast AEMIM, joint', 0.25, 1, False),
        ('AEMIM', 1.0, 2, True),
        ('AEMIM, joint', 1.0, 2, False),
    ],
)
def test_models_of_aemim(name, share, num_steps, sequential):
    trainee = tiny(name)
    model = trainee.model
    assert isinstance(model, AEMIMAlgorithm)
    assert (model.adv_ratio, model.attack.num_steps) == (share, num_steps)
    assert model.sequential_backward == sequential
    assert trainee.data['inputs'].shape == (4, 3, 64, 64)


def test_models_of_mae_have_all_layers_and_no_width():
    stock, ours = (tiny(name).model for name in ('stock MAE', 'our MAE'))
    assert type(stock) is type(ours) is MAE
    assert type(stock.backbone) is MAEViT
    assert type(stock.neck) is MAEPretrainDecoder
    assert type(ours.backbone) is not MAEViT
    for model in (stock, ours):
        assert len(model.backbone.layers) == 12
        assert len(model.neck.decoder_blocks) == 8
        assert max(max(p.shape) for p in model.parameters()) <= 3 * 16 * 16


def test_rows():
    ticks = []
    rows = measure_host(2, 1, lambda: ticks.append(1))
    assert [row.name for row in rows] == list(MODELS)
    assert len(ticks) == 3 * len(MODELS)
    assert rows[0].ratio == 1
    assert all(len(row.step_seconds) == 2 for row in rows)


def test_cells():
    cells = HostRow('a', 0.02345, 1.234, []).cells()
    assert cells == ['a', '23.4', '1.23'] and len(cells) == len(HEADER)


def test_profile_has_the_attack():
    assert 'feature_distance_pgd.py' in profile_host('Fast AEMIM', 1)
