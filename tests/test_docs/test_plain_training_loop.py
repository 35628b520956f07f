# Copyright (c) aemim_mm contributors. All rights reserved.
"""The code of docs/plain_training_loop.md runs and trains."""

import re
from pathlib import Path

import torch

PAGE = Path(__file__).parents[2] / 'docs' / 'plain_training_loop.md'


def test_the_page_trains_both_branches():
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    loop = [
        line
        for line in blocks[1].split('for pixels')[1].splitlines()
        if line.strip() and not line.strip().startswith('#')
    ]
    assert len(loop) <= 30
    losses = []
    code = (
        '\n'.join(blocks)
        + '    losses.append([loss_clean.item(), loss_adv.item()])\n'
    )
    names = {'losses': losses, '__name__': 'page'}
    exec(compile(code, str(PAGE), 'exec'), names)
    clean, adv = torch.tensor(losses).T
    assert len(clean) == 20
    assert clean[-3:].mean() < clean[:3].mean()
    assert adv[-3:].mean() < adv[:3].mean()
    model, bank = names['model'], names['bank']
    own = dict(model.named_parameters())
    for name, twin in bank.tensors().items():
        assert twin.grad.abs().max() > 0
        assert not torch.equal(twin, own[name])
    change = (names['x_adv'] - names['x']).abs() * names['std']
    assert 1.9 < change.max() <= 2 + 1e-3
