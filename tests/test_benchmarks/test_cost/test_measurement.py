# Copyright (c) aemim_mm contributors. All rights reserved.
from dataclasses import asdict

from tiny_run import ROOT

from benchmarks.cost import measurement
from benchmarks.cost.cost_row import HEADER
from benchmarks.cost.measurement import Settings, measure, names_of
from benchmarks.cost.parts import count_parts
from benchmarks.trainee import Trainee

CONFIGS = [
    str(
        ROOT
        / 'configs/pretrain'
        / f'{name}_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
    )
    for name in ('mae', 'aemim')
]


def test_memory_is_relative_to_the_base(monkeypatch):
    peaks, seen = iter([2e9, 3e9]), []

    def peak_memory(**kwargs):
        seen.append(kwargs)
        return next(peaks)

    monkeypatch.setattr(measurement, 'peak_memory', peak_memory)
    options = {'model.neck.decoder_depth': 2}
    own = {'model.attack.num_steps': 3}
    settings = Settings(
        batch_size=2,
        iters=1,
        cfg_options=options,
        own_options=own,
        parts=False,
    )
    base, aemim = measure(CONFIGS, settings)
    same = dict(
        batch_size=2, precision='fp32', channels_last=False, compiled=False
    )
    assert seen == [
        dict(config=CONFIGS[0], cfg_options=options, **same),
        dict(config=CONFIGS[1], cfg_options={**options, **own}, **same),
    ]
    assert (base.peak_ratio, aemim.peak_ratio) == (1, 1.5)
    assert aemim.cells()[-2:] == ['3.00', '1.50']
    # Not asked for.
    assert aemim.parts_seconds is aemim.floor_times is aemim.attack_share
    assert dict(zip(HEADER, aemim.cells(), strict=False))['attack'] == '-'


def test_operations_of_a_batch_are_those_of_two_smaller_ones():
    """What images share does not grow with their number."""
    options = {'model.neck.decoder_depth': 2}
    settings = Settings(
        batch_size=8,
        iters=1,
        warmup=1,
        cfg_options=options,
        memory=False,
        parts=False,
    )
    (row,) = measure(CONFIGS[1:], settings)
    counted = count_parts(Trainee(CONFIGS[1], 8, cfg_options=options))
    assert row.parts_operations == asdict(counted)


def test_whole_run_counts_the_epochs(monkeypatch):
    """And a method without an encoder's one call has no floor."""
    cfgs = {'base': 4, 'longer': 10, 'endless': None}

    class Instant:
        def __init__(self, config, **_):
            self.epochs, self.model = cfgs[config], None

        def step(self):
            pass

    seconds = {'base': [2.0, 4.0], 'longer': [3.0, 6.0], 'endless': [1.0, 1.0]}
    monkeypatch.setattr(measurement, 'Trainee', Instant)
    monkeypatch.setattr(measurement, 'count_parts', lambda _: None)
    monkeypatch.setattr(measurement, 'interleave', lambda *_: seconds)
    settings = Settings(iters=2, memory=False, parts=False)
    base, longer, endless = measure(list(cfgs), settings)
    assert (base.ratio, base.whole_run) == (1, 1)
    assert (longer.ratio, longer.whole_run) == (1.5, 1.5 * 10 / 4)
    assert endless.whole_run is None
    cells = dict(zip(HEADER, longer.cells(), strict=False))
    assert (cells['whole run'], cells['floor, operations']) == ('3.75', '-')
    assert longer.floor_operations is longer.parts_operations is None


def test_same_config_twice_has_two_names():
    assert names_of(['a/x.py', 'b/x.py', 'y.py']) == ['x (0)', 'x (1)', 'y']
