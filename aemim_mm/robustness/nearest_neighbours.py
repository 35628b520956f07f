# Copyright (c) aemim_mm contributors. All rights reserved.
"""A k-nearest-neighbour classifier on a frozen encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.dist import broadcast_object_list, is_main_process

from ..datasets.label_spaces import imagenet_synsets, read_class_file
from ..evaluation import KNNHead
from .cells import Cell
from .evaluated_classifier import EvaluatedClassifier
from .image_pass import Loading
from .load_classifier import as_text
from .runner import open_store, run_cells
from .sources import ImageSource, Survey

# Images of a cell: what is lost at most when a run is killed.
FEATURE_IMAGES = 20000


def with_neighbours(
    encoder: EvaluatedClassifier,
    source: ImageSource,
    surveys: Mapping[str, Survey],
    out: str | Path,
    loading: Loading,
) -> EvaluatedClassifier:
    """Encode the training images, and classify by the nearest ones.

    Features are kept in ``OUT/cells``; those that are there already are not
    computed again. To be called by all processes, which share the work and
    hold all features.

    Args:
        encoder (EvaluatedClassifier): Its model returns features, (N, D).
        source (ImageSource): The training images.
        surveys (Mapping[str, Survey]): The data, that of ``source`` too.
        out (str | Path): Folder of the results.
        loading (Loading): How images are loaded.

    Returns:
        EvaluatedClassifier: The classifier.

    Raises:
        ValueError: If there are fewer training images than neighbours.
    """
    survey = surveys[source.name]
    store = open_store(encoder, source.class_file, surveys, out, loading)
    cells = Cell('features', source).split(survey.images, FEATURE_IMAGES)
    run_cells(cells, store, encoder, loading)
    features = torch.empty(survey.images, encoder.num_classes())
    labels = torch.empty(survey.images, dtype=torch.int64)
    for cell in cells:
        # One process reads: others may see a shared folder later.
        shared = [store.read(cell) if is_main_process() else {}]
        broadcast_object_list(shared)
        rows = slice(cell.start, cell.stop)
        features[rows] = torch.from_numpy(shared[0]['feature'])
        labels[rows] = torch.from_numpy(shared[0]['label'])
    names: Sequence[str] = imagenet_synsets()
    if source.class_file is not None:
        names = read_class_file(source.class_file)
    head = KNNHead(features, labels, len(names))
    about = dict(
        knn=head.k, temperature=head.temperature, training_data=source.name
    )
    return replace(
        encoder,
        name=f'{encoder.name} ({head.k}-NN)',
        model=encoder.model.with_head(head),
        description=encoder.description
        + as_text(dict(about, images=survey.sha256, folder=survey.folder)),
        head={**(encoder.head or {}), **about},
    )
