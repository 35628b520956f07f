# Copyright (c) aemim_mm contributors. All rights reserved.
"""The k-nearest-neighbour classifier of DINO, as a head."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Training images that are compared at a time.
CHUNK = 65536


class KNNHead(nn.Module):
    r"""Votes of the training images whose features are nearest.

    The ``k`` training images with the largest cosine similarity s vote for
    their classes with weight :math:`\exp(s / T)`. The defaults of k and T are
    those of `Emerging properties in self-supervised vision transformers
    <https://arxiv.org/abs/2104.14294>`_. Nothing is trained. The similarities
    of a batch are computed for a part of the training images at a time.
    Little memory is needed in addition to that of the training features
    (ImageNet-1K, 768 channels: 4 GB).

    Args:
        features (Tensor): Of the training images, (M, D).
        labels (Tensor): Their classes, (M, ), int64.
        num_classes (int): Number of classes.
        k (int): Number of neighbours. Defaults to 20.
        temperature (float): T. Defaults to 0.07.

    Raises:
        ValueError: If there are fewer than ``k`` training images, or a
            feature is not finite.
    """

    features: Tensor
    labels: Tensor

    def __init__(
        self,
        features: Tensor,
        labels: Tensor,
        num_classes: int,
        k: int = 20,
        temperature: float = 0.07,
    ) -> None:
        super().__init__()
        if len(features) < k:
            raise ValueError(
                f'there are {len(features)} training images, but {k} '
                'neighbours are asked for'
            )
        if not features.isfinite().all():
            raise ValueError('features of training images are not finite')
        self.num_classes = num_classes
        self.k = k
        self.temperature = temperature
        # Not part of the weights, which tell one model from another.
        normed = F.normalize(features, dim=1)
        self.register_buffer('features', normed, persistent=False)
        self.register_buffer('labels', labels, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Classify.

        Args:
            x (Tensor): Features, (N, D).

        Returns:
            Tensor: Logarithms of the classes' votes, (N, K): -inf for a class
            without any.
        """
        x = F.normalize(x, dim=1)
        best = x.new_empty(len(x), 0)
        classes = self.labels.new_empty(len(x), 0)
        for features, labels in zip(
            self.features.split(CHUNK), self.labels.split(CHUNK), strict=True
        ):
            similarity = x @ features.T
            nearest = similarity.topk(min(self.k, len(labels)), dim=1)
            best = torch.cat([best, nearest.values], dim=1)
            classes = torch.cat([classes, labels[nearest.indices]], dim=1)
            # Of all parts up to this one
            best, places = best.topk(min(self.k, best.shape[1]), dim=1)
            classes = classes.gather(1, places)
        votes = x.new_zeros(len(x), self.num_classes)
        votes.scatter_add_(1, classes, (best / self.temperature).exp())
        return votes.log()
