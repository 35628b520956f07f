# Copyright (c) aemim_mm contributors. All rights reserved.
"""The result of one training step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass
class AEMIMStep:
    """What one training step computed.

    Args:
        clean (dict): The stock algorithm's loss dict on the clean batch.
        adv (dict): The same on the adversarial examples, clean target.
        x_adv (Tensor): Adversarial examples, normalised, (R, C, H, W).
        rows (Sequence[int], optional): Their R rows in the batch; None is all.
        encoder_output (Any): What the encoder returned in the clean pass.
        distance_start (Tensor): Mean feature distance per image at the start
            of the attack.
        distance_end (Tensor): The same for the finished adversarial examples.
    """

    clean: dict[str, Tensor]
    adv: dict[str, Tensor]
    x_adv: Tensor
    rows: Sequence[int] | None
    encoder_output: Any
    distance_start: Tensor
    distance_end: Tensor
