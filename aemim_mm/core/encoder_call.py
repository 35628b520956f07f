# Copyright (c) aemim_mm contributors. All rights reserved.
"""The encoder's one call in the clean pass, which the others repeat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from .batch_subset import BatchSubset


@dataclass(frozen=True)
class EncoderCall:
    """What the clean pass gives to the attack and the adversarial pass.

    Args:
        features (Sequence[Tensor]): E(x^m), feature maps (B, ...).
        mask (Any): The mask m in the form in which the model takes it, or
            what identifies it. Defaults to None.
        arguments (tuple): Further arguments of the encoder call, positional
            and by keyword. Defaults to ``((), {})``.
        output (Any): All that the encoder returned. Defaults to None.
        targets (tuple): Outputs of the networks that only compute targets.
            Defaults to ().
        image (Tensor, optional): The input of the encoder, if the model
            creates this image itself: adversarial examples are then computed
            around it. Defaults to None, the images of the batch.

    Raises:
        TypeError: If ``features`` is a tensor.
    """

    features: Sequence[Tensor]
    mask: Any = None
    arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    output: Any = None
    targets: tuple[Any, ...] = ()
    image: Tensor | None = None

    def __post_init__(self) -> None:
        if isinstance(self.features, Tensor):
            raise TypeError(
                'features are a sequence of feature maps; for one map write '
                f'[features], not a tensor {tuple(self.features.shape)}'
            )

    def attacked(self, x: Tensor) -> Tensor:
        """The images around which adversarial examples are sought."""
        return x if self.image is None else self.image

    def of(self, subset: BatchSubset) -> 'EncoderCall':
        """The call for some images, with features cut from their graph.

        Args:
            subset (BatchSubset): R images of the batch.

        Returns:
            EncoderCall: Every part that has B rows with R rows.
        """
        return replace(
            self,
            features=[subset.of(f).detach() for f in self.features],
            mask=subset.of(self.mask),
            arguments=subset.of(self.arguments),
            output=subset.of(self.output),
            targets=subset.of(self.targets),
            image=subset.of(self.image),
        )
