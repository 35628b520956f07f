# Copyright (c) aemim_mm contributors. All rights reserved.
"""A classifier of images in [0, 1], with the normalisation inside."""

from collections.abc import Sequence

import torch
from mmpretrain.models import BaseClassifier
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from ..attacks.precision import full_precision


class PixelClassifier(nn.Module):
    """Maps RGB images in [0, 1] to logits, as attacks need it.

    The classifier is in eval mode and stays there (``train()`` does not
    change it), its parameters are frozen, and it computes in float32, under
    autocast too. This changes the given model.

    Args:
        model (nn.Module): Maps normalised images (N, C, H, W) to logits
            (N, K), not softmaxed.
        mean (Sequence[float]): Mean per channel on the 0-1 scale, such as
            (0.485, 0.456, 0.406), in the order of the model's channels.
        std (Sequence[float]): Standard deviation per channel, likewise.
        bgr (bool): Whether the model itself expects the channels in the order
            blue, green, red. Defaults to False.

    Raises:
        ValueError: If a mean or standard deviation is not on the 0-1 scale,
            or a parameter is not float32.
    """

    def __init__(
        self,
        model: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        bgr: bool = False,
    ) -> None:
        super().__init__()
        if not all(0 <= m <= 1 for m in mean):
            raise ValueError(
                f'mean must be on the 0-1 scale, but got {tuple(mean)}: '
                'divide 0-255 values by 255'
            )
        if not all(0 < s <= 1 for s in std):
            raise ValueError(
                f'std must be on the 0-1 scale, but got {tuple(std)}: '
                'divide 0-255 values by 255'
            )
        for name, parameter in model.named_parameters():
            if parameter.dtype != torch.float32:
                raise ValueError(
                    f'{name} is {parameter.dtype}: attacks need float32, '
                    'call model.float() first'
                )
        self.model = model
        self.bgr = bgr
        device = next((p.device for p in model.parameters()), None)
        # In 0-255 units: whole pixel values are normalised bit for bit as in
        # mmpretrain, so that a budget of 0 gives its predictions.
        for name, value in (('mean', mean), ('std', std)):
            value = torch.tensor([255 * v for v in value], device=device)
            self.register_buffer(name, value.view(-1, 1, 1), persistent=False)
        model.requires_grad_(False)
        self.train(False)

    @classmethod
    def from_mmpretrain(cls, classifier: BaseClassifier) -> 'PixelClassifier':
        """Wrap a classifier of mmpretrain.

        Args:
            classifier (BaseClassifier): Its ``data_preprocessor`` tells mean,
                std and, by ``to_rgb``, the order of channels: without it the
                model sees them as mmpretrain loads them, BGR.

        Returns:
            PixelClassifier: The wrapper.

        Raises:
            ValueError: If the preprocessor has no mean and std, or pads.
        """
        preprocessor = classifier.data_preprocessor
        kind = type(preprocessor).__name__
        for name in ('mean', 'std', 'to_rgb'):
            if getattr(preprocessor, name, None) is None:
                raise ValueError(
                    f'{kind} has no {name}, so that pixels cannot be '
                    'normalised. Give a ClsDataPreprocessor with mean and std '
                    'in 0-255 units'
                )
        mean, std = (
            (value.double() / 255).flatten().tolist()
            for value in (preprocessor.mean, preprocessor.std)
        )
        if getattr(preprocessor, 'pad_size_divisor', 1) > 1:
            raise ValueError(
                f'{kind} pads images to multiples of '
                f'{preprocessor.pad_size_divisor} pixels, where an attack '
                'would reach the border: use images of a size that needs no '
                'padding, and pad_size_divisor=1'
            )
        return cls(classifier, mean, std, bgr=not preprocessor.to_rgb)

    @classmethod
    def from_timm(cls, model: nn.Module) -> 'PixelClassifier':
        """Wrap a model of timm.

        Args:
            model (nn.Module): Its data configuration tells mean and std.

        Returns:
            PixelClassifier: The wrapper.
        """
        config = resolve_model_data_config(model)
        return cls(model, config['mean'], config['std'])

    def with_head(self, head: nn.Module) -> 'PixelClassifier':
        """A classifier on top of this one's output.

        Args:
            head (nn.Module): Maps the output (N, K) to logits (N, L).

        Returns:
            PixelClassifier: It shares the model, and normalises as this one.
        """
        mean, std = (
            (value.double() / 255).flatten().tolist()
            for value in (self.mean, self.std)
        )
        model = nn.Sequential(self.model, head.to(self.mean.device))
        return PixelClassifier(model, mean, std, self.bgr)

    def forward(self, x: Tensor) -> Tensor:
        """Classify.

        Args:
            x (Tensor): RGB or grey images in [0, 1], (N, C, H, W).

        Returns:
            Tensor: Logits, (N, K), float32.

        Raises:
            TypeError: If the model does not return one tensor (N, K).
        """
        with full_precision():
            if self.bgr and x.shape[1] == 3:
                x = x.flip(1)
            logits = self.model((x.float() * 255 - self.mean) / self.std)
            if not isinstance(logits, Tensor) or logits.ndim != 2:
                raise TypeError(
                    f'{type(self.model).__name__} must return logits (N, K), '
                    f'but got {_describe(logits)}. Has the classifier a head?'
                )
            return logits

    def train(self, mode: bool = True) -> 'PixelClassifier':
        """Stay in eval mode.

        Args:
            mode (bool): Not used.

        Returns:
            PixelClassifier: Itself.
        """
        return super().train(False)


def _describe(output: object) -> str:
    if isinstance(output, Tensor):
        return f'a tensor of shape {tuple(output.shape)}'
    return f'a {type(output).__name__}'
