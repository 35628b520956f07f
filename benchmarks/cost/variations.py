# Copyright (c) aemim_mm contributors. All rights reserved.
"""One setting of a recipe after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from ..image_size import size_options


@dataclass(frozen=True)
class Variation:
    """A recipe with one setting changed."""

    what: str  # the setting
    value: float
    batch_size: int  # images of a step
    cfg_options: dict[str, Any]  # changes to both configs, base and recipe
    own_options: dict[str, Any]  # changes to the recipe alone


def variations(
    cfg: Config,
    batch_size: int,
    batch_sizes: Sequence[int] = (),
    num_steps: Sequence[int] = (),
    adv_ratios: Sequence[float] = (),
    image_sizes: Sequence[int] = (),
) -> list[Variation]:
    """Change one setting at a time of a recipe, AEMIM over MAE with a ViT.

    The settings are images of a step, steps T of the attack, shares alpha, and
    width and height in pixels, in this order; ``batch_size`` is that where it
    is not varied. ValueError if an image size is no multiple of the patch
    size.
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
