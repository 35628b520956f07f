# Copyright (c) aemim_mm contributors. All rights reserved.
"""The code of docs/plain_training_loop.md runs and trains."""

import re
from pathlib import Path

import torch

PAGE = Path(__file__).parents[2] / 'docs' / 'plain_training_loop.md'
RECORD = '    losses.append([step.clean.item(), step.adv.item()])\n'


def test_the_page_trains_both_branches():
    text = PAGE.read_text()
    model, loop, fast, inner = re.findall(r'```python\n(.*?)```', text, re.S)
    lines = [line for line in loop.splitlines() if line.strip()]
    assert len(lines) <= 30  # what README promises
    names = {'losses': [], '__name__': 'page'}
    exec(compile(model + loop + RECORD, str(PAGE), 'exec'), names)
    clean, adv = torch.tensor(names['losses']).T
    assert len(clean) == 20
    assert clean[-3:].mean() < clean[:3].mean()
    assert adv[-3:].mean() < adv[:3].mean()
    own = dict(names['model'].named_parameters())
    for name, twin in names['bank'].tensors().items():
        assert twin.grad.abs().max() > 0
        assert not torch.equal(twin, own[name])
    change = (names['step'].x_adv - names['x']).abs() * names['std']
    assert 1.9 < change.max() <= 2 + 1e-3

    # Fast AEMIM goes on with the same model.
    exec(compile(fast + RECORD, str(PAGE), 'exec'), names)
    losses = torch.tensor(names['losses'])
    assert len(losses) == 40 and losses[-3:].mean() < losses[20:23].mean()
    assert names['step'].x_adv.shape[0] == 4 == len(names['step'].rows)

    # One mask in all passes, although the model draws it.
    exec(compile(inner, str(PAGE), 'exec'), names)
    names['attack'] = lambda encode, x, *rest: x
    step = names['aemim_step'](
        *(names[n] for n in ('x', 'clean_pass', 'encode', 'adversarial_pass')),
        **{n: names[n] for n in ('swap', 'attack', 'mean', 'std')},
    )
    torch.testing.assert_close(step.adv, step.clean)
    assert step.distance_end < 1e-6
