# Copyright (c) aemim_mm contributors. All rights reserved.
"""timm, which has names, an order of channels and a classifier of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from .architecture import Architecture
from .library import Library
from .linear_head import linear_head
from .source import Source
from .swin import Swin
from .timm_network import TimmNetwork
from .timm_swin import SWIN
from .timm_vit import VIT
from .vit import ViT

NETWORKS: dict[type, TimmNetwork] = {ViT: VIT, Swin: SWIN}


class Timm(Library):
    """The encoder by timm's keys, and the classifier as one linear layer."""

    compared = slice(-1, None)

    def __init__(self, source: Source, architecture: Architecture) -> None:
        super().__init__(source, architecture)
        self._head = linear_head(source)
        self._network = NETWORKS[type(architecture)]
        self._name, self._arguments = self._network.arguments(architecture)
        self._arguments['num_classes'] = len(self._head.get('bias', ()))

    def weights(self) -> dict[str, Tensor]:
        """By timm's keys, in timm's order of channels."""
        weights = self._network.rename(self.source.encoder)
        for name, value in self._head.items():
            weights[f'{self._network.head}.{name}'] = value
        return weights

    def load_code(self, out: str) -> str:
        """A call of ``timm.create_model``."""
        overlay = self.pixels()
        arguments = dict(self._arguments)
        if overlay:
            # timm's own values for these names are others
            arguments['pretrained_cfg_overlay'] = overlay
        rest = ''.join(f', {k}={v!r}' for k, v in arguments.items())
        return (
            f'timm.create_model({self._name!r}, checkpoint_path={out!r}{rest})'
        )

    def pixels(self) -> dict[str, list[float]]:
        """Mean and deviation of pixels in 0-1, as far as they are known."""
        known = self.source.normalization
        return {
            name: [round(value / 255, 6) for value in known[name]]
            for name in ('mean', 'std')
            if name in known
        }

    def build(self, **options: Any) -> nn.Module:
        """The model, in evaluation mode, with options for ``create_model``."""
        arguments = {**self._arguments, **options}
        return timm.create_model(self._name, **arguments).eval()

    @torch.no_grad()
    def outputs(self, path: Path, images: Tensor) -> dict[str, list[Tensor]]:
        """The last features, and the logits."""
        # Strict: every tensor of the model comes from the file, and vice
        # versa.
        model = self.build(checkpoint_path=str(path))
        return outputs_of(model, images, bool(self._head))


def with_types_of(
    model: nn.Module, weights: Mapping[str, Tensor]
) -> nn.Module:
    """Give a model's tensors, in place, the types that they have elsewhere."""
    for key, value in model.state_dict(keep_vars=True).items():
        value.data = value.data.to(weights[key].dtype)
    return model


@torch.no_grad()
def outputs_of(
    model: nn.Module, images: Tensor, classifies: bool
) -> dict[str, list[Tensor]]:
    """What a model of timm, in evaluation mode, computes.

    Of normalised images (B, C, H, W) ``features``, tokens or a map (B, C, H,
    W), and ``logits`` of a classifier.
    """
    features = model.forward_features(images)
    if features.ndim == 4:  # a map, channels last
        features = features.permute(0, 3, 1, 2)
    outputs = dict(features=[features])
    if classifies:
        outputs['logits'] = [model(images)]
    return outputs
