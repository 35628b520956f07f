# Copyright (c) aemim_mm contributors. All rights reserved.
"""The code of docs/timm.md runs, with register tokens and without."""

import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / 'docs' / 'timm.md'


def test_the_page_pretrains_a_stock_vit():
    timm = pytest.importorskip('timm')
    model, training = re.findall(
        r'```python\n(.*?)```', PAGE.read_text(), re.S
    )
    code = model + training
    assert len([line for line in code.splitlines() if line.strip()]) <= 90
    names = {'__name__': 'page'}
    exec(compile(code, str(PAGE), 'exec'), names)
    vit, bank, masked_vit = (names[n] for n in ('vit', 'bank', 'MaskedViT'))
    stock = timm.create_model(
        'vit_tiny_patch16_224', img_size=64, num_classes=0
    )
    assert stock.state_dict().keys() == vit.state_dict().keys()
    assert torch.isfinite(vit(torch.randn(2, 3, 64, 64))).all()
    twins = {name for name in bank.tensors() if name.startswith('vit.')}
    assert len(twins) == 2 * 25 and 'vit.norm.weight' in twins

    # Only the kept patches are encoded; class and register tokens stay.
    x, keep = torch.randn(2, 3, 64, 64), torch.tensor([[3, 7], [0, 15]])
    for registers in (0, 4):
        model = masked_vit(
            timm.create_model(
                'vit_tiny_patch16_224', img_size=64, reg_tokens=registers
            )
        ).eval()
        features = model.encode(x, keep)
        assert features.shape[1] == 1 + registers + 2
        hidden = x.clone()
        hidden[0, :, 16:32, :48] = 9.0  # patches 4, 5 and 6
        torch.testing.assert_close(model.encode(hidden, keep), features)
        # A loss of masked patches alone: kept pixels are no target.
        kept = x.clone()
        kept[0, :, :16, 48:] = 9.0  # patch 3
        torch.testing.assert_close(
            model.loss(features, keep, kept), model.loss(features, keep, x)
        )
        assert model.loss(features, keep, hidden) != model.loss(
            features, keep, x
        )
