# Copyright (c) aemim_mm contributors. All rights reserved.
"""One setting of a recipe after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from ..image_size import size_options


@dataclass(frozen=True)
class Variation:
    """A recipe with one setting changed.

    Attributes:
        what (str): The setting.
        value (float): Its value.
        batch_size (int): Images of a step.
        cfg_options (dict): Changes to both configs, base and recipe.
        own_options (dict): Changes to the recipe alone.
    """

    what: str
    value: float
    batch_size: int
    cfg_options: dict[str, Any]
    own_options: dict[str, Any]


def variations(
    cfg: Config,
    batch_size: int,
    batch_sizes: Sequence[int] = (),
    num_steps: Sequence[int] = (),
    adv_ratios: Sequence[float] = (),
    image_sizes: Sequence[int] = (),
) -> list[Variation]:
    """Change one setting at a time.

    Args:
        cfg (Config): The recipe, AEMIM over MAE with a ViT.
        batch_size (int): Where it is not varied.
        batch_sizes (Sequence[int]): Images of a step. Defaults to none.
        num_steps (Sequence[int]): Steps T of the attack. Defaults to none.
        adv_ratios (Sequence[float]): Shares alpha. Defaults to none.
        image_sizes (Sequence[int]): Width and height in pixels. Defaults to
            none.

    Returns:
        list[Variation]: In this order.

    Raises:
        ValueError: If an image size is no multiple of the patch size.
    """
    found = [
        Variation('batch size', size, size, {}, {}) for size in batch_sizes
    ]
    found += [
        Variation(
            'T', steps, batch_size, {}, {'model.attack.num_steps': steps}
        )
        for steps in num_steps
    ]
    found += [
        Variation('alpha', ratio, batch_size, {}, {'model.adv_ratio': ratio})
        for ratio in adv_ratios
    ]
    found += [
        Variation('image size', size, batch_size, size_options(cfg, size), {})
        for size in image_sizes
    ]
    return found
