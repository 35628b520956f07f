# Copyright (c) aemim_mm contributors. All rights reserved.
"""Projected gradient descent against a classifier."""

from torch import Tensor

from .ascent import Classifier, ascend


def pgd(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    epsilon: float | Tensor,
    num_steps: int = 20,
    step_size: float | Tensor | None = None,
    random_start: bool = True,
    noise: Tensor | None = None,
) -> Tensor:
    """Signed steps along the cross-entropy's gradient, from inside the ball.

    After each step the image is projected onto the L-infinity ball around
    ``x`` and into the pixel box [0, 1]; so is the start. The last iterate is
    the result, and is not rounded to whole pixel values. Everything runs in
    float32, under autocast too.

    The defaults are PGD-20 as in Figure 3 of the AEMIM paper. The paper does
    not give the step. A quarter of epsilon is that of ARES-Bench.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K),
            in eval mode; see :func:`~aemim_mm.attacks.fgsm`.
        x (Tensor): Images in [0, 1], (N, C, H, W).
        y (Tensor): True classes, (N, ), int64.
        epsilon (float | Tensor): Budget on the 0-1 scale (``2 / 255``, say),
            or one per image, (N, ). 0 returns ``x``.
        num_steps (int): Number of steps. Defaults to 20.
        step_size (float | Tensor, optional): Length of a step on the 0-1
            scale, or one per image, (N, ). None means ``epsilon / 4``.
            Defaults to None.
        random_start (bool): Start in the ball instead of at ``x``. Defaults
            to True.
        noise (Tensor, optional): Where in the ball to start, in [-1, 1],
            (N, C, H, W): the start is ``x + epsilon * noise``. See
            :func:`~aemim_mm.attacks.image_noise`. None draws it uniformly
            from torch's generator. Defaults to None.

    Returns:
        Tensor: Adversarial examples in [0, 1], (N, C, H, W), float32, without
        a graph.

    Raises:
        ValueError: If ``epsilon``, ``step_size`` or a pixel is outside [0, 1],
            ``num_steps`` is negative, ``noise`` is given without random
            start, or shapes do not fit.
    """
    if num_steps < 0:
        raise ValueError(f'num_steps must be >= 0, but got {num_steps}')
    if noise is not None:
        if not random_start:
            raise ValueError(
                'noise is where a random start begins, but random_start is '
                'False'
            )
        if noise.shape != x.shape:
            raise ValueError(
                f'noise must have the shape of the images, {tuple(x.shape)}, '
                f'but got {tuple(noise.shape)}'
            )
        if not (noise.abs() <= 1).all():
            raise ValueError(
                'noise is a share of epsilon, in [-1, 1], but got '
                f'{noise.min():g} to {noise.max():g}'
            )
    if step_size is None:
        step_size = epsilon / 4
    return ascend(
        model, x, y, epsilon, step_size, num_steps, random_start, noise
    )
