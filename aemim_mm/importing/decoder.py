# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which decoder of mmpretrain the weights belong to."""

import math
from collections.abc import Mapping
from typing import Any

from mmpretrain.registry import MODELS
from torch import Tensor

from ..checkpoints.fit import fit_checkpoint
from ..checkpoints.misfit import describe_keys
from ..export.architecture import Architecture
from ..export.vit import ViT

_BLOCKS = 'decoder_blocks.'


def decoder_config(
    decoder: Mapping[str, Tensor], architecture: Architecture, heads: int
) -> dict[str, Any]:
    """The config of the ``neck`` that a decoder belongs to; empty without one.

    Its keys are mmpretrain's, below ``neck.``. ``heads`` are the attention
    heads of MAE's decoder, which shapes do not tell. ValueError if it is
    neither MAE's nor SimMIM's.
    """
    if not decoder:
        return {}
    if 'decoder.0.weight' in decoder:
        out, channels = decoder['decoder.0.weight'].shape[:2]
        cfg: dict[str, Any] = dict(
            type='mmpretrain.SimMIMLinearDecoder',
            in_channels=channels,
            encoder_stride=math.isqrt(out // 3),
        )
    elif 'decoder_embed.weight' in decoder and isinstance(architecture, ViT):
        width, embed_dims = decoder['decoder_embed.weight'].shape
        hidden = decoder.get('decoder_blocks.0.ffn.layers.0.0.weight')
        cfg = dict(
            type='mmpretrain.MAEPretrainDecoder',
            num_patches=decoder['decoder_pos_embed'].shape[1] - 1,
            patch_size=architecture.patch_size,
            in_chans=architecture.in_channels,
            embed_dim=embed_dims,
            decoder_embed_dim=width,
            decoder_depth=len(
                {k.split('.')[1] for k in decoder if k.startswith(_BLOCKS)}
            ),
            decoder_num_heads=heads,
            mlp_ratio=4 if hidden is None else len(hidden) / width,
        )
        if width % heads:
            raise ValueError(
                f'the decoder has {width} channels, which {heads} heads '
                'cannot share: give a config with its '
                'model.neck.decoder_num_heads by --config'
            )
    else:
        raise ValueError(
            'the decoder (keys such as '
            f"{list(decoder)[:3]}) is neither MAE's nor SimMIM's. Only these "
            'can be converted'
        )
    fit = fit_checkpoint(MODELS.build(cfg), decoder)
    problems = (
        describe_keys('missing in the file', fit.missing)
        + describe_keys('not in that decoder', fit.unexpected)
        + describe_keys('different shapes', fit.mismatched)
    )
    if problems:
        raise ValueError(
            f'the decoder of the file is not a {cfg["type"]}:{problems}\nThe '
            'file is incomplete, or its decoder is a variant'
        )
    return cfg
