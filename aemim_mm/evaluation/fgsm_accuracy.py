# Copyright (c) aemim_mm contributors. All rights reserved.
"""Accuracy of a classifier under FGSM."""

from collections.abc import Iterable, Sequence

import torch
from mmpretrain.models import ImageClassifier

from ..attacks.fgsm import fgsm
from ..attacks.precision import full_precision
from .pixel_batches import read_labels, to_pixels
from .pixel_classifier import PixelClassifier, unchanged


def fgsm_accuracy(
    classifier: ImageClassifier,
    dataloader: Iterable[dict],
    epsilons: Sequence[float],
) -> dict[str, float]:
    """Top-1 accuracy on the FGSM examples of every image, per budget.

    The examples attack the classifier itself (white box). It is evaluated in
    eval mode. Afterwards the modes of all its modules are restored, and no
    parameter has a gradient. This also works inside ``torch.no_grad()`` and
    ``torch.inference_mode()``.

    Each process evaluates only its own dataloader. Results of several ranks
    are not gathered; :func:`robust_accuracy` does that.

    Args:
        classifier (ImageClassifier): The classifier. Its ``data_preprocessor``
            normalises the images and tells mean and std.
        dataloader (Iterable[dict]): Batches as mmpretrain's dataloaders yield
            them: ``inputs`` (uint8) and ``data_samples`` with one
            ``gt_label`` each.
        epsilons (Sequence[float]): Budgets in 0-255 pixel values. 0 gives the
            clean accuracy.

    Returns:
        dict[str, float]: Accuracy in percent, by budget: ``{'2': 41.3}``.

    Raises:
        ValueError: If the preprocessor has no mean and std, images are not
            uint8, a sample has not exactly one label, the dataloader is empty
            or a budget is outside [0, 255].
    """
    for epsilon in epsilons:
        if not 0 <= epsilon <= 255:
            raise ValueError(
                f'epsilon must be in [0, 255] pixel values, but got {epsilon}'
            )
    total = 0
    with unchanged(classifier), full_precision():
        model = PixelClassifier.from_mmpretrain(classifier)
        device = model.mean.device
        correct = [torch.zeros((), device=device) for _ in epsilons]
        for data in dataloader:
            images = to_pixels(data['inputs'], device, bgr=True)
            target = read_labels(data['data_samples']).to(device)
            total += len(target)
            for i, epsilon in enumerate(epsilons):
                x_adv = fgsm(model, images, target, epsilon / 255)
                with torch.no_grad():
                    predicted = model(x_adv).argmax(dim=1)
                correct[i] += (predicted == target).sum()
    if total == 0:
        raise ValueError('the dataloader is empty, there is no accuracy')
    return {
        f'{epsilon:g}': 100 * count.item() / total
        for epsilon, count in zip(epsilons, correct, strict=True)
    }
