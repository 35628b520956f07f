# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmpretrain's key names in the words of another library."""

import re
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

# A pattern of whole keys, and the new name: a template for re, a function of
# the match, or None for a key that the target does not have.
Rule = tuple[str, str | Callable[[re.Match], str] | None]

_WB = r'(weight|bias)'
_BLOCK = r'stages\.(\d+)\.blocks\.(\d+)\.'

VIT_TO_TIMM: tuple[Rule, ...] = (
    (r'(cls_token|pos_embed)', r'\1'),
    (rf'patch_embed\.projection\.{_WB}', r'patch_embed.proj.\1'),
    (rf'layers\.(\d+)\.ln([12])\.{_WB}', r'blocks.\1.norm\2.\3'),
    (rf'layers\.(\d+)\.attn\.(qkv|proj)\.{_WB}', r'blocks.\1.attn.\2.\3'),
    (rf'layers\.(\d+)\.ffn\.layers\.0\.0\.{_WB}', r'blocks.\1.mlp.fc1.\2'),
    (rf'layers\.(\d+)\.ffn\.layers\.1\.{_WB}', r'blocks.\1.mlp.fc2.\2'),
    (rf'ln1\.{_WB}', r'norm.\1'),
    (rf'ln2\.{_WB}', r'fc_norm.\1'),
)


def _next_stage(match: re.Match) -> str:
    """Patches are merged at the start of a stage in timm, else at the end."""
    stage, name = match.groups()
    return f'layers.{int(stage) + 1}.downsample.{name}'


# Of the norms after each stage timm has the last only; see `timm_swin`.
SWIN_TO_TIMM: tuple[Rule, ...] = (
    (rf'patch_embed\.projection\.{_WB}', r'patch_embed.proj.\1'),
    (rf'patch_embed\.norm\.{_WB}', r'patch_embed.norm.\1'),
    (rf'{_BLOCK}norm([12])\.{_WB}', r'layers.\1.blocks.\2.norm\3.\4'),
    (
        rf'{_BLOCK}attn\.w_msa\.(qkv|proj)\.{_WB}',
        r'layers.\1.blocks.\2.attn.\3.\4',
    ),
    (
        rf'{_BLOCK}attn\.w_msa\.relative_position_bias_table',
        r'layers.\1.blocks.\2.attn.relative_position_bias_table',
    ),
    (rf'{_BLOCK}attn\.w_msa\.relative_position_index', None),
    (rf'{_BLOCK}ffn\.layers\.0\.0\.{_WB}', r'layers.\1.blocks.\2.mlp.fc1.\3'),
    (rf'{_BLOCK}ffn\.layers\.1\.{_WB}', r'layers.\1.blocks.\2.mlp.fc2.\3'),
    (r'stages\.(\d+)\.downsample\.(norm\.\w+|reduction\.weight)', _next_stage),
    (rf'norm3\.{_WB}', r'norm.\1'),
    (r'norm[0-2]\..*', None),
)


def rename(
    weights: Mapping[str, Tensor], rules: Sequence[Rule]
) -> dict[str, Tensor]:
    """Give each tensor its name in the target.

    Args:
        weights (Mapping[str, Tensor]): By mmpretrain's keys.
        rules (Sequence[Rule]): The first whose pattern is the whole key
            counts.

    Returns:
        dict[str, Tensor]: By the target's keys, the tensors themselves.

    Raises:
        ValueError: If no rule knows a key.
    """
    renamed = {}
    for key, value in weights.items():
        for pattern, name in rules:
            match = re.fullmatch(pattern, key)
            if match is None:
                continue
            if name is not None:
                new = (
                    match.expand(name)
                    if isinstance(name, str)
                    else name(match)
                )
                renamed[new] = value
            break
        else:
            raise ValueError(
                f'the key {key!r} of the encoder has no counterpart in the '
                'target: this is not the plain architecture. Export with '
                '--to mmpretrain'
            )
    return renamed
