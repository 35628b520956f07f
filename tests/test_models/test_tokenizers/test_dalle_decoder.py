# Copyright (c) aemim_mm contributors. All rights reserved.
"""Against a decoder that is written down here, key by key."""

import pytest
import torch
import torch.nn.functional as F

from aemim_mm.models.tokenizers import DALLEDecoder

WIDTHS = (8, 4, 2, 1)  # of the four groups, in n_hid


def published_shapes(n_init=128, n_hid=256, blocks=2, vocab=8192):
    """Keys and shapes of OpenAI's decoder, in its order."""
    shapes = {}

    def conv(name, n_in, n_out, kernel):
        shapes[f'{name}.w'] = (n_out, n_in, kernel, kernel)
        shapes[f'{name}.b'] = (n_out,)

    conv('blocks.input', vocab, n_init, 1)
    n_in = n_init
    for group, width in enumerate(WIDTHS, 1):
        n_out = width * n_hid
        for block in range(1, blocks + 1):
            name = f'blocks.group_{group}.block_{block}'
            if n_in != n_out:
                conv(f'{name}.id_path', n_in, n_out, 1)
            hidden = n_out // 4
            conv(f'{name}.res_path.conv_1', n_in, hidden, 1)
            conv(f'{name}.res_path.conv_2', hidden, hidden, 3)
            conv(f'{name}.res_path.conv_3', hidden, hidden, 3)
            conv(f'{name}.res_path.conv_4', hidden, n_out, 3)
            n_in = n_out
    conv('blocks.output.conv', n_hid, 6, 1)
    return shapes


def test_keys_and_shapes_are_the_published_ones():
    with torch.device('meta'):
        state = DALLEDecoder().state_dict()
    assert {k: tuple(v.shape) for k, v in state.items()} == published_shapes()


def reference(state, tokens, blocks):
    """One-hot vectors through plain convolutions."""

    def conv(name, x):
        w = state[f'{name}.w']
        return F.conv2d(x, w, state[f'{name}.b'], padding=w.shape[-1] // 2)

    vocab = state['blocks.input.w'].shape[1]
    x = F.one_hot(tokens, vocab).permute(0, 3, 1, 2).float()
    x = conv('blocks.input', x)
    for group in range(1, 5):
        for block in range(1, blocks + 1):
            name = f'blocks.group_{group}.block_{block}'
            path = x
            for i in range(1, 5):
                path = conv(f'{name}.res_path.conv_{i}', path.relu())
            if f'{name}.id_path.w' in state:
                x = conv(f'{name}.id_path', x)
            x = x + path / (4 * blocks) ** 2
        if group < 4:
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return conv('blocks.output.conv', x.relu())[:, :3].sigmoid()


@pytest.mark.parametrize('blocks', [1, 2])
def test_images_of_tokens(blocks):
    torch.manual_seed(0)
    decoder = DALLEDecoder(
        n_init=8, n_hid=8, n_blk_per_group=blocks, vocab_size=16
    )
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    tokens = torch.randint(16, (2, 3, 4))
    images = decoder(tokens)
    assert images.shape == (2, 3, 24, 32) and images.dtype == torch.float32
    torch.testing.assert_close(
        images, reference(decoder.state_dict(), tokens, blocks)
    )
    assert images.std() > 0.01
    with torch.autocast('cpu', torch.bfloat16):
        rough = decoder(tokens)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, images, atol=0.05, rtol=0)
