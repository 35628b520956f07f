# Copyright (c) aemim_mm contributors. All rights reserved.
"""One pass over images: what cells of the same images need."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.dataset import DefaultSampler, default_collate
from torch.utils.data import DataLoader, Dataset, Subset

from ..datasets.robustness_pipelines import eval_pipeline
from ..evaluation import minimal_epsilons, pixel_batches, robust_accuracy
from ..evaluation.correct import correct
from ..evaluation.gathering import gather_images
from ..evaluation.pixel_batches import read_labels, to_pixels
from .cells import Cell
from .evaluated_classifier import EvaluatedClassifier

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Loading:
    """How images are loaded.

    Results do not depend on the first two; AutoAttack's do, on the first.

    Attributes:
        batch_size (int): Of each process. Defaults to 64.
        num_workers (int): Loading processes of each process. Defaults to 4.
        native (bool): Whether images have the model's input size already and
            are neither resized nor cropped. Defaults to False.
    """

    batch_size: int = 64
    num_workers: int = 4
    native: bool = False


def build_loader(
    cell: Cell, images: int, classifier: EvaluatedClassifier, loading: Loading
) -> DataLoader:
    """The images of a cell; those of this process if there are several.

    Args:
        cell (Cell): The cell.
        images (int): Number of images that its source had at the start.
        classifier (EvaluatedClassifier): The classifier.
        loading (Loading): How images are loaded.

    Returns:
        DataLoader: Yields ``inputs`` and ``data_samples``, whose
        ``sample_idx`` are places in the whole source.

    Raises:
        ValueError: If the source has another number of images by now.
    """
    dataset: Dataset = cell.source.dataset(
        pipeline=eval_pipeline(
            cell.source.variant,
            classifier.input_size,
            native=True if loading.native else None,
            channels=classifier.channels,
        )
    )
    if len(dataset) != images:
        raise ValueError(
            f'{cell.source.root} had {images} images when the run began, and '
            f'has {len(dataset)} now. Start again when it is at rest'
        )
    if cell.stop is not None:
        dataset = Subset(dataset, range(cell.start, cell.stop))
    return DataLoader(
        dataset,
        loading.batch_size,
        sampler=DefaultSampler(dataset, shuffle=False),
        num_workers=loading.num_workers,
        collate_fn=default_collate,
        pin_memory=torch.cuda.is_available(),
    )


def run_pass(
    cells: Sequence[Cell],
    loader: DataLoader,
    classifier: EvaluatedClassifier,
    tick: Callable[[], None],
) -> list[Arrays]:
    """Measure cells of the same images; to be called by all processes.

    Args:
        cells (Sequence[Cell]): Some with metrics, or one without.
        loader (DataLoader): The images.
        classifier (EvaluatedClassifier): The classifier.
        tick (Callable): Called after each batch.

    Returns:
        list[Arrays]: For each cell ``index`` and ``correct`` or ``epsilon``,
        in every process; without metric and attack ``index``, ``feature``
        (N, D) and ``label`` (N, ).
    """
    if cells[0].metric is not None:
        return _classify(cells, loader, classifier, tick)
    (cell,) = cells
    if cell.attack is None:
        return [_features(loader, classifier, tick)]
    device = classifier.model.mean.device
    batches = _ticking(pixel_batches(loader, device), tick)
    if cell.epsilon is None:
        found = minimal_epsilons(classifier.model, batches, cell.attack)
        values = dict(epsilon=found.epsilons.numpy())
    else:
        found = robust_accuracy(
            classifier.model,
            batches,
            cell.attack,
            [cell.epsilon],
            cell.skip_misclassified,
        )
        values = dict(correct=found.correct[:, 0].numpy().astype(np.int8))
    return [dict(index=found.indices.numpy(), **values)]


def _classify(
    cells: Sequence[Cell],
    loader: DataLoader,
    classifier: EvaluatedClassifier,
    tick: Callable[[], None],
) -> list[Arrays]:
    indices: list[torch.Tensor] = []
    judged: list[list[torch.Tensor]] = [[] for _ in cells]
    for data in _ticking(loader, tick):
        samples = data['data_samples']
        images = to_pixels(
            data['inputs'], classifier.model.mean.device, bgr=True
        )
        with torch.no_grad():
            scores = classifier.model(images).cpu()
        # -inf is for classes that k-nearest neighbours have no vote for.
        if not scores.amax(dim=1).isfinite().all():
            raise ValueError(
                f'{classifier.name} returned logits that are not finite '
                f'in {cells[0].name}'
            )
        indices.append(torch.tensor([s.sample_idx for s in samples]))
        labels, paths = read_labels(samples), [s.img_path for s in samples]
        for cell, values in zip(cells, judged, strict=True):
            values.append(correct(scores, labels, paths, cell.metric))
    return [
        _gathered(indices, values, len(loader.dataset)) for values in judged
    ]


def _gathered(
    indices: Sequence[torch.Tensor],
    values: Sequence[torch.Tensor],
    images: int,
) -> Arrays:
    index, value = gather_images(indices, values)
    if len(index) != images:
        raise RuntimeError(f'judged {len(index)} of {images} images')
    if (value < 0).all():
        raise ValueError(f'none of the {images} images has labels')
    return dict(index=index.numpy(), correct=value.numpy())


def _features(
    loader: DataLoader,
    classifier: EvaluatedClassifier,
    tick: Callable[[], None],
) -> Arrays:
    indices, features, labels = [], [], []
    device = classifier.model.mean.device
    for images, label, index in _ticking(pixel_batches(loader, device), tick):
        with torch.no_grad():
            features.append(classifier.model(images).cpu())
        labels.append(label)
        indices.append(index)
    index, feature = gather_images(indices, features)
    _, label = gather_images(indices, labels)
    return dict(
        index=index.numpy(), feature=feature.numpy(), label=label.numpy()
    )


def _ticking(batches: Iterable, tick: Callable[[], None]) -> Iterator:
    for batch in batches:
        yield batch
        tick()
