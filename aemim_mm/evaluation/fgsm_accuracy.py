# Copyright (c) aemim_mm contributors. All rights reserved.
"""Accuracy of a classifier under FGSM."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from mmpretrain.models import ImageClassifier
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..attacks.fgsm import fgsm


def fgsm_accuracy(
    classifier: ImageClassifier,
    dataloader: Iterable[dict],
    epsilons: Sequence[float],
) -> dict[str, float]:
    """Top-1 accuracy on the FGSM examples of every image, per budget.

    The examples are made against the classifier itself (white box). It is
    evaluated in eval mode; the modes of all its modules are as before
    afterwards, and no gradient is left on a parameter. Works inside
    ``torch.no_grad()`` and ``torch.inference_mode()`` too.

    One process evaluates what its own dataloader yields; nothing is gathered
    from other ranks.

    Args:
        classifier (ImageClassifier): The classifier. Its ``data_preprocessor``
            normalises the images and tells mean and std.
        dataloader (Iterable[dict]): Batches as mmpretrain's dataloaders yield
            them: ``inputs`` and ``data_samples`` with one ``gt_label`` each.
        epsilons (Sequence[float]): Budgets in 0-255 pixel values. 0 gives the
            clean accuracy.

    Returns:
        dict[str, float]: Accuracy in percent, by budget: ``{'2': 41.3}``.

    Raises:
        ValueError: If the preprocessor has no mean and std, a sample has not
            exactly one label, the dataloader is empty or a budget is outside
            [0, 255].
    """
    mean, std = (_statistic(classifier, name) for name in ('mean', 'std'))
    total = 0
    with torch.inference_mode(False), _eval_mode(classifier):
        correct = [torch.zeros((), device=mean.device) for _ in epsilons]
        for data in dataloader:
            data = classifier.data_preprocessor(data, training=False)
            images = data['inputs']
            target = _labels(data['data_samples']).to(images.device)
            total += len(target)
            for i, epsilon in enumerate(epsilons):
                x_adv = fgsm(classifier, images, target, epsilon, mean, std)
                with torch.no_grad():
                    predicted = classifier(x_adv).argmax(dim=1)
                correct[i] += (predicted == target).sum()
    if total == 0:
        raise ValueError('the dataloader is empty, there is no accuracy')
    return {
        f'{epsilon:g}': 100 * count.item() / total
        for epsilon, count in zip(epsilons, correct, strict=True)
    }


def _statistic(classifier: ImageClassifier, name: str) -> Tensor:
    value = getattr(classifier.data_preprocessor, name, None)
    if value is None:
        raise ValueError(
            f'{type(classifier.data_preprocessor).__name__} has no {name}, so '
            'a budget in 0-255 pixel values cannot be converted. Give '
            'data_preprocessor mean and std in 0-255 units'
        )
    return value


def _labels(data_samples: Sequence[DataSample]) -> Tensor:
    for sample in data_samples:
        label = sample.get('gt_label')
        if label is None or label.numel() != 1:
            raise ValueError(
                'every sample must have exactly one gt_label, but got '
                f'{label} for {sample.get("img_path", "a sample")}'
            )
    return torch.cat([sample.gt_label for sample in data_samples])


@contextmanager
def _eval_mode(module: nn.Module) -> Iterator[None]:
    """Put a module into eval mode, and every part of it back afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
