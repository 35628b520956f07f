# Copyright (c) aemim_mm contributors. All rights reserved.
"""The code of docs/attacks.md runs, its figure and attacks included."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from attack_toys import foolbox
from attack_worker import Images
from mmengine.dataset import default_collate
from mmpretrain.models import ImageClassifier, LinearClsHead
from torch import nn
from torch.utils.data import DataLoader

from aemim_mm.attacks import fgsm

PAGE = Path(__file__).parents[2] / 'docs' / 'attacks.md'


class Backbone(nn.Module):
    def forward(self, x):
        return (x.flatten(1),)


class FakeAutoAttack:
    """Takes what AutoAttack takes, and runs FGSM."""

    def __init__(self, model, norm, eps, seed, device, verbose):
        assert norm == 'Linf'
        self.model, self.eps = model, eps

    def run_standard_evaluation(self, x_orig, y_orig, bs):
        assert bs == len(x_orig)
        return fgsm(self.model, x_orig, y_orig, self.eps)


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    foolbox()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(
        sys.modules, 'autoattack', SimpleNamespace(AutoAttack=FakeAutoAttack)
    )
    torch.manual_seed(0)
    classifier = ImageClassifier(
        Backbone(),
        head=LinearClsHead(num_classes=5, in_channels=192),
        data_preprocessor=dict(mean=[0.0] * 3, std=[255.0] * 3, to_rgb=True),
    )
    dataset = Images()
    # The labels are this classifier's own, but for one.
    pixels = torch.stack([image.flip(0) for image in dataset.images]) / 255
    labels = classifier(pixels).argmax(dim=1)
    labels[4] = (labels[4] + 1) % 5
    dataset.labels = labels.tolist()
    names = dict(
        classifier=classifier,
        dataloader=DataLoader(dataset, 4, collate_fn=default_collate),
    )
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
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
