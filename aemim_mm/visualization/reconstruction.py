# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a masked autoencoder sees, predicts and is attacked with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .images import sees_bgr
from .isolation import isolated
from .painter import Painter


@dataclass(frozen=True)
class ImageRows:
    """Rows of images, one column per input image.

    Args:
        images (dict[str, Tensor]): Row name to images, (B, C, H, W), RGB or
            grey, float32 on the CPU, 0-255 pixel values.
        labels (dict[str, str]): Row name to what the row shows.
    """

    images: dict[str, Tensor]
    labels: dict[str, str]


def check_drawable(model: nn.Module) -> None:
    """Check that the reconstructions of a model can be drawn.

    Args:
        model (nn.Module): A masked image modeling algorithm.

    Raises:
        ValueError: If the algorithm does not predict the pixels of patches,
            or its data preprocessor does not normalise.
    """
    head = getattr(model, 'head', None)
    patches = hasattr(head, 'patchify') and hasattr(head, 'unpatchify')
    if not patches or getattr(model, 'neck', None) is None:
        raise ValueError(
            f'cannot draw reconstructions of {type(model).__name__} with head '
            f'{type(head).__name__}: supported are methods whose decoder '
            '(`neck`) predicts the pixels of patches and whose head has '
            '`patchify` and `unpatchify`, as MAE with MAEPretrainHead or '
            'MAEMaskedHead'
        )
    if not hasattr(model.data_preprocessor, 'mean'):
        raise ValueError(
            'cannot draw reconstructions without the normalisation: give '
            '`data_preprocessor` a `mean` and a `std` in 0-255 units'
        )


def reconstruct(
    model: nn.Module,
    inputs: Tensor,
    data_samples: Sequence | None = None,
    seed: int = 0,
) -> ImageRows:
    """Run one training step's forward on the side and collect its pictures.

    The rows of an :class:`AEMIMAlgorithm` (all images are attacked, whatever
    its ``adv_ratio``):

    - ``original``: the input.
    - ``masked``: the input, masked patches in mid-grey.
    - ``reconstruction``: predicted pixels in the masked patches, the input's
      own pixels in the visible ones.
    - ``adversarial``: the adversarial example of the input.
    - ``perturbation``: adversarial minus original, times 127 / epsilon,
      around mid-grey.
    - ``adversarial_reconstruction``: the masked patches predicted from the
      masked adversarial example (same mask, adversarial adapters), the
      adversarial example's own pixels in the visible ones.

    Any other algorithm gives the first three. With ``norm_pix`` a decoder
    predicts patches of mean 0 and variance 1; they are drawn with mean and
    variance of the same patch of the input, which is the target of both
    passes.

    The training goes on as if nothing had happened: see :func:`isolated`.

    Args:
        model (nn.Module): :class:`AEMIMAlgorithm`, or a stock algorithm. It
            must not be wrapped (pass ``ddp_model.module``).
        inputs (Tensor): Normalised images, (B, C, H, W), on the model's
            device.
        data_samples (Sequence, optional): Their data samples. Defaults to
            None.
        seed (int): Seed of mask and attack. Defaults to 0.

    Returns:
        ImageRows: The rows in drawing order.

    Raises:
        ValueError: If the method cannot be drawn.
    """
    check_drawable(model)
    with isolated(model, seed), _outputs_of(model.neck) as predictions:
        if hasattr(model, 'attack'):
            record = _full_step(model, inputs, data_samples)
            encoded = record.encoder_output
        else:
            record = None
            with _outputs_of(model.backbone) as features, torch.no_grad():
                model.loss(inputs, data_samples)
            encoded = features[0]
    with torch.no_grad():
        painter = Painter(model, inputs, encoded)
        images, labels = painter.clean_rows(predictions[0])
        if record is not None:
            more_images, more_labels = painter.adversarial_rows(
                _in_order(record.x_adv, record.rows),
                _in_order(predictions[-1], record.rows),
            )
            images.update(more_images)
            labels.update(more_labels)
    bgr = sees_bgr(model.data_preprocessor, data_samples)
    channels = [2, 1, 0] if bgr else slice(None)
    images = {k: v[:, channels].float().cpu() for k, v in images.items()}
    return ImageRows(images, labels)


def _full_step(model, inputs, data_samples):
    """The record of a step in which every image is attacked."""
    adv_ratio = model.adv_ratio
    model.adv_ratio = 1.0
    try:
        with torch.enable_grad():
            return model.step(inputs, data_samples)
    finally:
        model.adv_ratio = adv_ratio


def _in_order(values: Tensor, rows: Sequence[int] | None) -> Tensor:
    """Put the rows of an attack back to the order of the batch."""
    if rows is None:
        return values
    ordered = torch.empty_like(values)
    ordered[list(rows)] = values
    return ordered


@contextmanager
def _outputs_of(module: nn.Module) -> Iterator[list]:
    """Collect what ``module`` returns inside the block."""
    outputs = []
    handle = module.register_forward_hook(
        lambda module, args, output: outputs.append(output)
    )
    try:
        yield outputs
    finally:
        handle.remove()
