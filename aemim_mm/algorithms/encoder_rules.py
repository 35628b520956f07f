# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the port must know of each encoder: its features and its mask draw.

This table is the touch point for a method of MIM whose encoder draws the mask
itself or returns more than features. An encoder that is not in it is taken to
return features only and to receive its mask as an argument.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmpretrain.models.selfsup import MAEViT
from torch import Tensor, nn

from ..backbones import DualNormViT
from ..backbones.tokens import gather_tokens, kept_ids


@dataclass(frozen=True)
class EncoderRule:
    """How to read and to pin one class of encoder.

    Args:
        features (int, optional): Item of the encoder's output that holds the
            features. None means that the whole output does. Defaults to None.
        draw (str, optional): Name of the method that draws the mask. None
            means that the mask is an argument of the call. Defaults to None.
        remember (Callable, optional): Maps what ``draw`` returned to what
            identifies the mask: a tuple of per-image tensors.
        replay (Callable, optional): Maps the draw's arguments and the
            remembered tensors to what ``draw`` would return for this mask.
    """

    features: int | None = None
    draw: str | None = None
    remember: Callable[[Any], tuple[Tensor, ...]] | None = None
    replay: Callable[..., Any] | None = None

    def maps(self, output: Any) -> list[Tensor]:
        """The feature maps in an output of the encoder."""
        if self.features is not None:
            output = output[self.features]
        return [output] if isinstance(output, Tensor) else list(output)

    def with_maps(self, output: Any, maps: list[Tensor]) -> Any:
        """An output of the encoder with other feature maps in it."""
        old = output if self.features is None else output[self.features]
        new = maps[0] if isinstance(old, Tensor) else type(old)(maps)
        if self.features is None:
            return new
        items = list(output)
        items[self.features] = new
        return tuple(items)


def _remember_mae(drawn: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return drawn[1:]  # mask and ids_restore


def _replay_mae(remembered, x: Tensor, mask_ratio: float):
    mask, ids_restore = remembered
    num_kept = int(x.shape[1] * (1 - mask_ratio))
    ids_keep = kept_ids(ids_restore, num_kept)
    return gather_tokens(x, ids_keep), mask, ids_restore


_MAE = EncoderRule(
    features=0,
    draw='random_masking',
    remember=_remember_mae,
    replay=_replay_mae,
)
RULES: dict[type[nn.Module], EncoderRule] = {
    MAEViT: _MAE,
    DualNormViT: _MAE,
}


def rule_of(encoder: nn.Module) -> EncoderRule | None:
    """The rule of the nearest class of ``encoder`` that has one.

    Args:
        encoder (nn.Module): The encoder.

    Returns:
        EncoderRule | None: None if the table has no entry.
    """
    for cls in type(encoder).__mro__:
        if cls in RULES:
            return RULES[cls]
    return None
