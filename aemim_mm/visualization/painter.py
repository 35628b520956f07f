# Copyright (c) aemim_mm contributors. All rights reserved.
"""From masks and predicted patches to pixels."""

from typing import Any

import torch
from torch import Tensor, nn

from .images import denormalise

MID_GREY = 127.5
# Images and labels by the name of the row.
LabelledRows = tuple[dict[str, Tensor], dict[str, str]]


class Painter:
    """Paints what one encoder pass hid, saw and led to.

    Args:
        model (nn.Module): The algorithm: ``head`` turns patches into images,
            ``data_preprocessor`` has the normalisation.
        inputs (Tensor): Normalised images, (B, C, H, W). They are the target
            of every reconstruction.
        encoded (Any): What the backbone returned: (latent, mask, ...), mask
            (B, L) with 1 for hidden patches.

    Raises:
        ValueError: If there is no such mask.
    """

    def __init__(self, model: nn.Module, inputs: Tensor, encoded: Any) -> None:
        self.model, self.inputs = model, inputs
        self.target = model.head.patchify(inputs)
        mask = encoded[1] if isinstance(encoded, (tuple, list)) else None
        shape = self.target.shape[:2]
        if not isinstance(mask, Tensor) or mask.shape != shape:
            raise ValueError(
                f'cannot draw reconstructions of {type(model).__name__}: its '
                'backbone must return (latent, mask, ...) with a mask of shape'
                f' {tuple(shape)}, as in MAE'
            )
        self.patch_mask = mask
        self.hidden = mask.float().mean().item()
        self.mask = model.head.unpatchify(
            mask.to(inputs)[..., None].expand_as(self.target)
        )

    def clean_rows(self, prediction: Tensor) -> LabelledRows:
        """The rows that every method has.

        Args:
            prediction (Tensor): Predicted patches, (B, L, N), or, with a head
                that can ``place`` them, those of the M masked ones, (B, M, N).

        Returns:
            tuple[dict[str, Tensor], dict[str, str]]: Images in 0-255 pixel
            values, (B, C, H, W), and labels.
        """
        original = denormalise(self.inputs, self.model.data_preprocessor)
        images = {
            'original': original,
            'masked': original * (1 - self.mask) + MID_GREY * self.mask,
            'reconstruction': self._fill(self.inputs, prediction),
        }
        labels = {
            'original': 'Original',
            'masked': f'Masked\n({100 * self.hidden:.0f} % hidden)',
            'reconstruction': 'Reconstruction\n(visible patches pasted)',
        }
        return images, labels

    def adversarial_rows(
        self, x_adv: Tensor, prediction: Tensor
    ) -> LabelledRows:
        """The rows that an attack adds.

        Args:
            x_adv (Tensor): Adversarial examples, normalised, (B, C, H, W).
            prediction (Tensor): Patches predicted from them, (B, L, N).

        Returns:
            tuple[dict[str, Tensor], dict[str, str]]: As :meth:`clean_rows`.
        """
        preprocessor = self.model.data_preprocessor
        change = (x_adv - self.inputs) * preprocessor.std
        epsilon = getattr(self.model.attack, 'epsilon', None)
        budget = 'epsilon'
        if epsilon is None:  # an attack without a bound in pixel values
            epsilon, budget = change.abs().max().item(), 'largest change'
        factor = 127 / epsilon if epsilon else 1.0
        images = {
            'adversarial': denormalise(x_adv, preprocessor),
            'perturbation': MID_GREY + factor * change,
            'adversarial_reconstruction': self._fill(x_adv, prediction),
        }
        labels = {
            'adversarial': (
                f'Adversarial image\n({budget} {epsilon:.3g} of 255)'
            ),
            'perturbation': f'Perturbation x {factor:g}\n(grey: unchanged)',
            'adversarial_reconstruction': (
                'Reconstruction from\nmasked adversarial image'
            ),
        }
        return images, labels

    def _fill(self, visible: Tensor, prediction: Tensor) -> Tensor:
        """Pixels: of ``visible`` where seen, predicted where hidden."""
        head = self.model.head
        shape = self.target.shape
        if hasattr(head, 'place') and isinstance(prediction, Tensor):
            prediction = head.place(prediction, self.patch_mask)
        if not isinstance(prediction, Tensor) or prediction.shape != shape:
            raise ValueError(
                f'cannot draw reconstructions of {type(self.model).__name__}: '
                f'its neck must return patches of pixels, {tuple(shape)}, as '
                'in MAE'
            )
        prediction = prediction.float()
        if getattr(head, 'norm_pix', False):
            # The inverse of MAEPretrainHead.construct_target.
            var, mean = torch.var_mean(self.target, dim=-1, keepdim=True)
            prediction = prediction * (var + 1e-6).sqrt() + mean
        filled = torch.where(
            self.mask.bool(), head.unpatchify(prediction), visible
        )
        return denormalise(filled, self.model.data_preprocessor)
