# Copyright (c) aemim_mm contributors. All rights reserved.
"""The method that docs/plug_in.md defines works as it is printed there."""

import re
from pathlib import Path

import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

import aemim_mm  # noqa: F401
from aemim_mm.interception.rules import ENCODERS

REPO = Path(__file__).parents[2]
PAGE = (REPO / 'docs/plug_in.md').read_text()


def code(start):
    """The block of code that begins with ``start``."""
    blocks = re.findall(r'```python\n(.*?)```', PAGE, re.S)
    return next(b for b in blocks if b.startswith(start))


def test_the_method_on_the_page_trains(monkeypatch):
    modules = dict(MODELS.module_dict)
    monkeypatch.setattr(MODELS, '_module_dict', modules)
    namespace = {'__name__': 'page'}
    exec(code('import torch'), namespace)
    exec(
        code("model = dict(\n    type='AEMIMAlgorithm',\n    method='Conv"),
        namespace,
    )
    exec(code('from aemim_mm.interception.rules'), {})
    torch.manual_seed(0)
    model = MODELS.build(namespace['model'])
    model.init_weights()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    images = torch.rand(4, 3, 32, 32)
    samples = []
    for _ in range(4):
        sample = DataSample()
        sample.set_mask(torch.rand(1, 4, 4) < 0.6)
        samples.append(sample)
    values = []
    for _ in range(30):
        losses = model.loss(images, samples)
        optimizer.zero_grad()
        (losses['loss_clean'] + losses['loss_adv']).backward()
        optimizer.step()
        values.append(losses['recon_adv'].item())
    assert values[-1] < 0.5 * values[0]
    assert losses['distance_end'] > losses['distance_start'] > 0


def test_every_encoder_of_the_table_is_on_the_page():
    for encoder in ENCODERS:
        assert encoder.__name__ in PAGE, encoder
