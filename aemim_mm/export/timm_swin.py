# Copyright (c) aemim_mm contributors. All rights reserved.
"""A Swin Transformer for timm."""

import re
from typing import Any

from torch import Tensor

from .swin import Swin
from .timm_network import Rule, TimmNetwork

_WB = r'(weight|bias)'
_HERE, _THERE = r'stages\.(\d+)\.blocks\.(\d+)\.', r'layers.\1.blocks.\2.'

# (width, depths): name. Heads are 32 channels wide in all of them.
_NAMES: dict[tuple[int, tuple[int, ...]], str] = {
    (96, (2, 2, 6, 2)): 'swin_tiny_patch4_window7_224',
    (96, (2, 2, 18, 2)): 'swin_small_patch4_window7_224',
    (128, (2, 2, 18, 2)): 'swin_base_patch4_window7_224',
    (192, (2, 2, 18, 2)): 'swin_large_patch4_window7_224',
}


def merging_order(merging: Tensor) -> Tensor:
    """The input channels of a patch merging, in timm's order.

    A 2 x 2 neighbourhood of C channels becomes 4 C channels. ``nn.Unfold``, in
    mmpretrain and mmdet, counts them as (channel, row, column); timm, like
    Microsoft's code, as (column, row, channel). The tensor is
    ``reduction.weight`` (2 C, 4 C), or a parameter of ``norm`` (4 C, ).
    """
    channels = merging.shape[-1] // 4
    return (
        merging.unflatten(-1, (channels, 2, 2)).transpose(-3, -1).flatten(-3)
    )


def _next_stage(match: re.Match) -> str:
    """Patches are merged at the start of a stage in timm, else at the end."""
    stage, name = match.groups()
    return f'layers.{int(stage) + 1}.downsample.{name}'


def swin_arguments(swin: Swin) -> tuple[str, dict[str, Any]]:
    """Name and arguments for ``timm.create_model``, the classes left open.

    The nearest named model, and what differs from it. ValueError if timm
    cannot build that network.
    """
    last = len(swin.depths) - 1
    if last != 3 or last not in swin.norms:
        raise ValueError(
            'timm needs four stages and the norm after the last; this '
            f'encoder has {last + 1} stages and norms after '
            f'{list(swin.norms)} (out_indices). Export with --to mmpretrain'
        )
    kwargs: dict[str, Any] = {}
    name = _NAMES.get((swin.embed_dims, swin.depths))
    if name is None:
        name = 'swin_tiny_patch4_window7_224'
        kwargs.update(embed_dim=swin.embed_dims, depths=list(swin.depths))
    usual = tuple(swin.embed_dims // 32 * 2**i for i in range(4))
    if kwargs or swin.num_heads != usual:
        kwargs['num_heads'] = list(swin.num_heads)
    if swin.patch_size != 4:
        kwargs['patch_size'] = swin.patch_size
    if swin.img_size != (224, 224):
        kwargs['img_size'] = list(swin.img_size)
    if swin.window_size != 7:
        kwargs['window_size'] = swin.window_size
    if swin.in_channels != 3:
        kwargs['in_chans'] = swin.in_channels
    return name, kwargs


SWIN = TimmNetwork(
    rules=(
        Rule(rf'patch_embed\.projection\.{_WB}', r'patch_embed.proj.\1'),
        Rule(rf'patch_embed\.norm\.{_WB}', r'patch_embed.norm.\1'),
        Rule(rf'{_HERE}norm([12])\.{_WB}', rf'{_THERE}norm\3.\4'),
        Rule(
            rf'{_HERE}attn\.w_msa\.(qkv|proj)\.{_WB}', rf'{_THERE}attn.\3.\4'
        ),
        Rule(
            rf'{_HERE}attn\.w_msa\.(relative_position_bias_table)',
            rf'{_THERE}attn.\3',
        ),
        Rule(rf'{_HERE}attn\.w_msa\.relative_position_index', None),
        Rule(rf'{_HERE}ffn\.layers\.0\.0\.{_WB}', rf'{_THERE}mlp.fc1.\3'),
        Rule(rf'{_HERE}ffn\.layers\.1\.{_WB}', rf'{_THERE}mlp.fc2.\3'),
        Rule(
            r'stages\.(\d+)\.downsample\.(norm\.\w+|reduction\.weight)',
            _next_stage,
            merging_order,
        ),
        # Of the norms after each stage timm has the last only.
        Rule(rf'norm3\.{_WB}', r'norm.\1'),
        Rule(r'norm[0-2]\..*', None),
    ),
    head='head.fc',
    arguments=swin_arguments,
)
