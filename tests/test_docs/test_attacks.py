# Copyright (c) aemim_mm contributors. All rights reserved.
"""The code of docs/attacks.md runs, its figure and attacks included."""

import os
import re
from pathlib import Path

import pytest
import torch
import toys
from attack_toys import foolbox
from attack_worker import Images
from auto_attack_toys import shortened
from mmengine.dataset import default_collate
from mmpretrain.models import ImageClassifier, LinearClsHead
from mmpretrain.registry import MODELS
from torch import nn
from torch.utils.data import DataLoader

PAGE = Path(__file__).parents[2] / 'docs' / 'attacks.md'
REQUIREMENTS = PAGE.parents[1] / 'requirements'
BLOCKS = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)


class Backbone(nn.Module):
    def forward(self, x):
        return (x.flatten(1),)


@pytest.fixture
def modules(monkeypatch):
    """What a block registers is gone afterwards."""
    found = dict(MODELS.module_dict)
    monkeypatch.setattr(MODELS, '_module_dict', found)
    return found


def test_the_page_runs(tmp_path, monkeypatch, capsys, modules):
    foolbox()
    shortened(monkeypatch)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    classifier = ImageClassifier(
        Backbone(),
        head=LinearClsHead(num_classes=10, in_channels=192),
        data_preprocessor=dict(mean=[0.0] * 3, std=[255.0] * 3, to_rgb=True),
    )
    dataset = Images()
    # The labels are this classifier's own, but for one.
    pixels = torch.stack([image.flip(0) for image in dataset.images]) / 255
    labels = classifier(pixels).argmax(dim=1)
    labels[4] = (labels[4] + 1) % 10
    dataset.labels = labels.tolist()
    names = dict(
        classifier=classifier,
        dataloader=DataLoader(dataset, 4, collate_fn=default_collate),
    )
    assert len(BLOCKS) == 7
    for block in BLOCKS:
        exec(compile(block, str(PAGE), 'exec'), names)
    assert sorted(os.listdir()) == ['minimal_epsilons.npz', 'robustness.png']
    clean = 100 * 8 / 9
    assert names['fgsm'].top1()[0] == pytest.approx(clean)
    minimal, grid = names['minimal'], names['grid']
    assert minimal.curve(names['GRID']) == pytest.approx(grid.top1())
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    # A linear classifier: one step of FGSM is as good as any attack.
    accuracies = [eval(line) for line in (printed[2], printed[3])]
    for clean_top1, top1 in accuracies:
        assert clean_top1 == pytest.approx(clean)
        assert top1 == pytest.approx(names['fgsm'].top1()[2], abs=12)


def named(name):
    """The block of code that begins with this, or defines it."""
    return next(block for block in BLOCKS if name in block)


@pytest.mark.parametrize('epsilon', [1, 4])
def test_the_attack_of_the_page_trains(modules, epsilon):
    """Within its budget, and further from the image than its start."""
    block = named('class MomentumAttack')
    body = block.split('@MODELS')[1]
    assert len(body.splitlines()) <= 20
    namespace = {}
    exec(compile(block, str(PAGE), 'exec'), namespace)
    cfg = {}
    exec(named("attack=dict(type='MomentumAttack'"), cfg)
    attack = dict(cfg['model']['attack'], epsilon=epsilon)
    model = toys.build_aemim('MAE-stock-backbone', attack=attack)
    assert type(model.attack) is namespace['MomentumAttack']
    inputs = toys.batch('MAE-stock-backbone')
    changes = []
    found = model.attack

    def watched(encode, x, reference, mean, std, loss=None):
        x_a = found(encode, x, reference, mean, std, loss)
        changes.append(((x_a - x) * std).abs().max().item())
        pixels = x_a * std + mean
        assert pixels.min() > -1e-3 and pixels.max() < 255 + 1e-3
        assert not x_a.requires_grad
        return x_a

    # A function does as well as an object.
    model.attack = watched
    losses = model.loss(*inputs)
    assert changes == [pytest.approx(epsilon, abs=1e-3)]
    assert losses['distance_end'] > losses['distance_start'] > 0
    (losses['loss_clean'] + losses['loss_adv']).backward()


def test_packages_of_the_page_are_pinned():
    """Each by a name that can be installed."""
    requirements = ' '.join(
        path.read_text() for path in REQUIREMENTS.glob('*.txt')
    )
    for name in ('foolbox', 'pyautoattack', 'PyWavelets'):
        assert name in PAGE.read_text() and f'{name}==' in requirements
    assert not re.search(r'(?<!py)autoattack import', PAGE.read_text())
