# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a training step must cost, from what its parts cost.

A step of AEMIM on a batch of B images, R = alpha * B of which get an
adversarial example in T steps: the clean pass and, on R images, T times an
encoder forward pass with a backward pass to the pixels, then the adversarial
pass. Nothing less gives the result. What is no pass is left out: the optimizer
and the norm of the gradients cost the same with and without AEMIM, and pull
the ratio of two steps towards 1. At small batches, where they are a part of
the step that counts, a measured ratio can lie below that of the floors.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Parts:
    """Costs on the whole batch, in any unit: seconds, operations."""

    encoder: float  # forward pass of the masked encoder
    encoder_backward: float  # its backward pass to the weights
    encoder_pixels: float  # its backward pass to the pixels alone
    # forward pass of all behind the encoder: decoder, targets, loss
    decoder: float
    decoder_backward: float  # its backward pass to weights and features
    decoder_features: float  # its backward pass to the features alone

    @property
    def training(self) -> float:
        """One pass of the stock algorithm, forward and backward."""
        return (
            self.encoder
            + self.encoder_backward
            + self.decoder
            + self.decoder_backward
        )


@dataclass(frozen=True)
class StepShape:
    """What of a step is there how often."""

    # share alpha of the images that are attacked. 0 is the stock algorithm.
    share: float
    num_steps: int  # steps T of the attack
    # whether the attack runs through the decoder (distance='reconstruction')
    decodes: bool = False
    # whether the clean features take a pass of their own, since there is
    # dropout in the training pass
    recomputes: bool = False


STOCK = StepShape(share=0.0, num_steps=0)


def floor(parts: Parts, shape: StepShape) -> float:
    """The cost of a step of a shape, in the unit of its parts."""
    attack = parts.encoder + parts.encoder_pixels
    if shape.decodes:
        attack += parts.decoder + parts.decoder_features
    extra = parts.encoder if shape.recomputes else 0.0
    on_share = parts.training + shape.num_steps * attack + extra
    return parts.training + shape.share * on_share


def from_costs(costs: Mapping[str, float]) -> Parts:
    """Parts, each for itself, from the costs of what can be run.

    A backward pass runs only behind its forward pass, so what is measured is
    the two together: of 'encoder' and 'decoder' the costs are the forward pass
    alone; of 'encoder_backward', 'encoder_pixels', 'decoder_backward' and
    'decoder_features' the forward and the backward pass.
    """
    return Parts(
        **{
            name: cost - (costs[name.split('_')[0]] if '_' in name else 0.0)
            for name, cost in costs.items()
        }
    )
