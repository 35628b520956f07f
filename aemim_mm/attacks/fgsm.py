# Copyright (c) aemim_mm contributors. All rights reserved.
"""The fast gradient sign method against a classifier."""

from torch import Tensor

from .ascent import Classifier, ascend


def fgsm(
    model: Classifier, x: Tensor, y: Tensor, epsilon: float | Tensor
) -> Tensor:
    """One step of ``epsilon`` along the sign of the cross-entropy's gradient.

    No random start; the result lies in the L-infinity ball around ``x`` and in
    the pixel box [0, 1], and is not rounded to whole pixel values. Everything
    runs in float32, under autocast too.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K);
            normalisation is inside, as in
            :class:`~aemim_mm.evaluation.PixelClassifier`. Set the network to
            eval mode first: batch statistics and dropout would attack another
            network than the one evaluated.
        x (Tensor): Images in [0, 1], (N, C, H, W).
        y (Tensor): True classes, (N, ), int64.
        epsilon (float | Tensor): Budget on the 0-1 scale (``2 / 255``, say),
            or one per image, (N, ). 0 returns ``x``.

    Returns:
        Tensor: Adversarial examples in [0, 1], (N, C, H, W), float32, without
        a graph.

    Raises:
        ValueError: If ``epsilon`` or a pixel is outside [0, 1], or shapes do
            not fit.
    """
    return ascend(model, x, y, epsilon, step_size=epsilon, num_steps=1)
