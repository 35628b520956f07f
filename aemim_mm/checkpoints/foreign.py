# Copyright (c) aemim_mm contributors. All rights reserved.
"""Checkpoints of other libraries, known by their keys."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from aemim_mm_cli.choices import KINDS
from aemim_mm_cli.places import tool

# Where the weights are. Of a run with averaged weights, timm's trainer and
# DeiT's evaluate those, and timm loads them first.
AVERAGED = ('state_dict_ema', 'model_ema')
# mmengine and timm's trainer; MAE, SimMIM and DeiT.
WRAPPERS = ('state_dict', 'model')
_PATCHES = 'embeddings.patch_embeddings.projection.weight'
_TABLE = 'layers.0.blocks.0.attn.relative_position_bias_table'
# Microsoft merges patches at the end of a stage, timm at the start.
EARLY_MERGING = 'layers.0.downsample.reduction.weight'


def unwrapped(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The weights in the content of a file of any of the libraries.

    What is below ``state_dict`` or ``model``, the averaged ones if there are
    any, or the content itself.
    """
    for name in AVERAGED:
        inner = checkpoint.get(name)
        if isinstance(inner, Mapping) and any(
            isinstance(value, Tensor) for value in inner.values()
        ):
            return inner
    for name in WRAPPERS:
        inner = checkpoint.get(name)
        if isinstance(inner, Mapping):
            return inner
    return checkpoint


def foreign_kind(checkpoint: Mapping[str, Any]) -> str | None:
    """Whose file this is, if the keys are not mmpretrain's.

    A key of ``KINDS``; None if the file is mmpretrain's own, or of an unknown
    library. Sources of the keys: ``models_mae.py`` of facebookresearch/mae,
    ``models/simmim.py`` of microsoft/SimMIM, and files that timm and
    transformers write.
    """
    keys = {
        key.removeprefix('module.')
        for key, value in unwrapped(checkpoint).items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    if any(f'{part}{_PATCHES}' in keys for part in ('', 'vit.')):
        return 'transformers'
    if f'encoder.{_TABLE}' in keys or {_TABLE, EARLY_MERGING} <= keys:
        return 'simmim'
    if 'patch_embed.proj.weight' not in keys:
        return None
    # MAE's encoder alone has timm's keys, as DeiT's and others have.
    return 'mae' if 'decoder_embed.weight' in keys else 'timm'


def advice(checkpoint: Mapping[str, Any], file: str = 'FILE') -> str:
    """What to do with a file of another library.

    Its kind and the command that converts the file, which is ``file`` in it;
    empty if it is none of the known kinds.
    """
    kind = foreign_kind(checkpoint)
    if kind is None:
        return ''
    text = (
        f'It is a file of {KINDS[kind]}, whose keys differ from those of '
        'mmpretrain. Convert it, and start from the result: '
        f'python {tool("import_checkpoint.py")} {file} OUT.pth --from {kind}'
    )
    if kind == 'timm' and 'model' in checkpoint:
        text += f' (if it is an encoder of {KINDS["mae"]}: --from mae)'
    return text
