# Copyright (c) aemim_mm contributors. All rights reserved.
from tiny_run import ROOT

from benchmarks.cost import attack_share
from benchmarks.trainee import Trainee

AEMIM, MAE = (
    ROOT
    / 'configs/pretrain'
    / f'{name}_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
    for name in ('aemim', 'mae')
)


def test_share_of_the_attack():
    assert attack_share.attack_share(Trainee(str(MAE), 2)) == 0
    trainee = Trainee(str(AEMIM), 2)
    attack = trainee.model.attack
    assert 0 < attack_share.attack_share(trainee) < 1
    assert trainee.model.attack is attack


def test_shares_are_measured_in_turn(monkeypatch):
    seen = []
    shares = dict(a=iter([0.1, 0.3, 0.2]), b=iter([0.5, 0.4, 1]))

    def measured(name):
        seen.append(name)
        return next(shares[name])

    monkeypatch.setattr(attack_share, 'attack_share', measured)
    found = attack_share.attack_shares(
        dict(a='a', b='b'), 3, lambda: seen.append('.')
    )
    assert found == dict(a=0.2, b=0.5)
    assert ''.join(seen) == 'a.b.' * 3
