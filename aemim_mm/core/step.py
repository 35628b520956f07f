# Copyright (c) aemim_mm contributors. All rights reserved.
"""Algorithm 1 of AEMIM: what one training step adds to a masked auto-encoder.

A step minimises Eq. 5,

    lambda L_mim(F(x^m; psi + phi_c), x)
    + (1 - lambda) L_mim(F(x_a^m; psi + phi_a), x),

with one mask m for both terms and for the attack that finds x_a.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .batch_subset import BatchSubset
from .deferred_gradients import DeferredGradients
from .distances import squared_l2
from .dropout import active_dropout, switched_off
from .encoder_call import EncoderCall
from .losses import Losses
from .swap import AdapterSwap

Features = Sequence[Tensor]


@dataclass(frozen=True)
class AEMIMStep:
    """What one training step computed; nothing is weighted by lambda yet.

    Args:
        clean (Tensor | dict): L_c, as the clean pass returned it.
        adv (Tensor | dict): L_a, as the adversarial pass returned it.
        x_adv (Tensor): Adversarial examples x_a, normalised, (R, C, H, W).
        rows (Sequence[int], optional): Their R rows in the batch; None is all.
        encoder_output (Any): What the encoder returned in the clean pass.
        distance_start (Tensor): Mean distance per image at x_a^0; 0 for noise.
        distance_end (Tensor): The same for the finished adversarial examples.
    """

    clean: Losses
    adv: Losses
    x_adv: Tensor
    rows: Sequence[int] | None
    encoder_output: Any
    distance_start: Tensor
    distance_end: Tensor


def aemim_step(
    x: Tensor,
    clean_pass: Callable[[], tuple[Losses, EncoderCall]],
    encode: Callable[[Tensor, EncoderCall], Features],
    adversarial_pass: Callable[[Tensor, EncoderCall], tuple[Losses, Features]],
    reconstruction: Callable[[Features, EncoderCall], Tensor] | None = None,
    *,
    swap: AdapterSwap,
    attack: Callable[..., Tensor],
    mean: Tensor,
    std: Tensor,
    rows: Sequence[int] | None = None,
    deferred: DeferredGradients | None = None,
) -> AEMIMStep:
    """One training step: clean pass, attack and adversarial pass.

    The functions run the model's own modules; its adapters are swapped here.
    They get the record of the clean pass, reduced to the images in question.

    Args:
        x (Tensor): Normalised images, (B, C, H, W).
        clean_pass (Callable): Returns L_c and the record, mask included.
        encode (Callable): E(.^m): maps images (R, C, H, W) and the record to
            feature maps, under the mask of the record.
        adversarial_pass (Callable): Maps x_a and the record to L_a and the
            features of x_a: same mask, and the CLEAN images as target.
        reconstruction (Callable, optional): Maps features and the record to
            L_a, for attacks on the loss itself. Defaults to None.
        swap (AdapterSwap): Replaces phi_c by phi_a.
        attack (Callable): Called as :class:`FeatureDistancePGD`.
        mean (Tensor): Mean of the normalisation, (C, 1, 1), 0-255 units.
        std (Tensor): Its standard deviation, likewise.
        rows (Sequence[int], optional): Which R of the B images get an
            adversarial example. Defaults to None, all.
        deferred (DeferredGradients, optional): Takes the gradients of L_c
            and frees its graph before the attack. Defaults to None.

    Returns:
        AEMIMStep: Both losses and the intermediate results.
    """
    # Line 11 comes first, for its features are what Eq. 7 measures from:
    # L_c = L_mim(F(x^m; psi + phi_c), x), the first term of Eq. 5.
    clean, whole = clean_pass()
    stored = None
    if deferred is not None:
        clean, stored = deferred.take(clean, swap.clean_parameters())

    # Line 4: x', the share alpha of the batch, with its part of the mask.
    subset = BatchSubset(rows, len(x))
    x_clean, call = subset.of(whole.attacked(x)), whole.of(subset)

    # Lines 5 to 10 under phi_a, where nothing but pixels has a gradient.
    # Dropout would move the features more than the attack does.
    dropout = active_dropout(swap.encoder_modules())
    start: list[Tensor] = []
    with switched_off(dropout):
        reference = call.features  # E(x^m; psi_e + phi_c), a constant
        if dropout:
            with swap.frozen_clean():
                reference = [f.detach() for f in encode(x_clean, call)]

        def encode_attacked(x_a: Tensor) -> Features:
            features = encode(x_a, call)
            if not start:
                start.extend(f.detach() for f in features)
            return features

        def loss(features: Features) -> Tensor:
            return reconstruction(features, call)  # type: ignore[misc]

        with swap.frozen_adversarial():
            # Line 5, x_a = x' + delta, and T times lines 7 and 8, Eq. 7:
            # x_a <- P(x_a + mu sign(grad L_d(E(x_a^m), E(x^m)))).
            x_a = attack(
                encode_attacked,
                x_clean,
                reference,
                mean,
                std,
                loss if reconstruction else None,
            )

    # Line 12: L_a = L_mim(F(x_a^m; psi + phi_a), x), the second term of Eq. 5.
    with swap.adversarial():
        adv, features = adversarial_pass(x_a, call)
    if deferred is not None:
        clean = deferred.give(clean, stored)

    # Line 13, lambda L_c + (1 - lambda) L_a, is the caller's.
    measure = getattr(attack, 'measure', squared_l2)
    return AEMIMStep(
        clean,
        adv,
        x_a,
        rows,
        whole.output,
        measure(start or reference, reference).mean().detach(),
        measure(features, reference).mean().detach(),
    )
