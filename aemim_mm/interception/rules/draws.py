# Copyright (c) aemim_mm contributors. All rights reserved.
"""The mask draws of mmpretrain's encoders."""

from typing import Any

from torch import Tensor

from ...core.mask_replay import MaskDraw
from ...utils.tokens import (
    gather_tokens,
    kept_ids,
)


def _all_but_tokens(drawn: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return drawn[1:]


def _everything(drawn: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return drawn


def _as_drawn(remembered: tuple[Tensor, ...], *args, **kwargs) -> Any:
    return remembered


def _replay_random(remembered, x: Tensor, mask_ratio: float):
    mask, ids_restore = remembered
    num_kept = int(x.shape[1] * (1 - mask_ratio))
    ids_keep = kept_ids(ids_restore, num_kept)
    return gather_tokens(x, ids_keep), mask, ids_restore


def _replay_attention(remembered, x: Tensor, *args, **kwargs):
    ids_restore, ids_keep, ids_dump = remembered
    return gather_tokens(x, ids_keep), ids_restore, ids_keep, ids_dump


# MAE, MFF, EVA: (tokens, ratio) -> kept tokens, mask, ids_restore.
RANDOM_TOKENS = MaskDraw('random_masking', _all_but_tokens, _replay_random)
# MILAN: (tokens, ratio, importance) -> kept tokens and three kinds of ids.
ATTENTION_TOKENS = MaskDraw(
    'attention_masking', _all_but_tokens, _replay_attention
)
# HiViT and iTPN: (batch size, ratio) -> ids_keep, ids_restore, mask.
TOKEN_IDS = MaskDraw('masking_id', _everything, _as_drawn)
# MixMIM: four scales of one mask (1, L, 1), the same for the whole batch.
BATCH_MASK = MaskDraw('random_masking', _everything, _as_drawn)
