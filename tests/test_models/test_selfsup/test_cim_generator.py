# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from mmpretrain.models.selfsup import BEiTPretrainViT
from pixels import images
from toys import ARCH

from aemim_mm.models.selfsup import CIMGenerator

CFG = dict(arch=ARCH, img_size=32, patch_size=8)


def build():
    torch.manual_seed(0)
    model = CIMGenerator(num_embed=16, **CFG)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_it_is_a_beit_with_a_linear_head_on_masked_patches():
    model, x = build(), images(2)
    ids = torch.tensor([[3, 0, 9], [15, 4, 5]])
    mask = torch.zeros(2, 4, 4)
    for image, row in enumerate(ids):
        for place in row:
            mask[image, place // 4, place % 4] = 1
    stock = BEiTPretrainViT(**CFG)
    stock.load_state_dict(
        {k: v for k, v in model.state_dict().items() if 'cls_head' not in k}
    )
    (features,) = stock(x, mask)
    expected = torch.stack(
        [model.cls_head(features[i, 1 + ids[i]]) for i in range(2)]
    )
    torch.testing.assert_close(model(x, ids), expected)


def test_it_does_not_see_what_it_predicts():
    model, x = build(), images(1)
    ids = torch.tensor([[0]])
    hidden, seen = x.clone(), x.clone()
    hidden[..., :8, :8] += 1
    seen[..., 8:, :8] += 1
    assert torch.equal(model(hidden, ids), model(x, ids))
    assert not torch.equal(model(seen, ids), model(x, ids))
