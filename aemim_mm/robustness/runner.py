# Copyright (c) aemim_mm contributors. All rights reserved.
"""A run of the suite: all cells that are not finished, and the results."""

import itertools
import os
import reprlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import (
    barrier,
    broadcast_object_list,
    get_world_size,
    is_main_process,
)
from mmengine.logging import print_log

from aemim_mm_cli.robustness_arguments import ATTACKS

from ..attacks import AutoAttack
from ..datasets.label_spaces import imagenet_synsets, read_class_file
from ..utils.storage import remove_partial
from .cells import Cell
from .evaluated_classifier import EvaluatedClassifier
from .image_pass import Loading, build_loader, run_pass
from .plan import plan
from .results import write_results
from .sources import Survey
from .store import CellStore
from .suite import SuiteOptions
from .suite_progress import SuiteProgress, cost


def run_suite(
    classifier: EvaluatedClassifier,
    options: SuiteOptions,
    surveys: Mapping[str, Survey],
    out: str | Path,
    loading: Loading | None = None,
) -> dict[str, Any] | None:
    """Evaluate a classifier; to be called by all processes.

    Each cell is written to ``OUT/cells`` when it is finished. Cells that are
    there already are not computed again.

    Args:
        classifier (EvaluatedClassifier): The classifier.
        options (SuiteOptions): The parts and their settings.
        surveys (Mapping[str, Survey]): What :func:`survey_sources` has found
            in the options' sources.
        out (str | Path): Folder of the results.
        loading (Loading, optional): How images are loaded. Defaults to None.

    Returns:
        dict[str, Any] or None: Content of ``OUT/results.json``; None in other
        processes than the main one.

    Raises:
        ValueError: If the classifier's label space is not that of the data.
    """
    loading = loading or Loading()
    _check_label_space(classifier, options.class_file)
    if 'autoattack' in options.parts:
        AutoAttack.check_classes(classifier.num_classes())
    _say_what_is_attacked(options, surveys)
    store = open_store(classifier, options.class_file, surveys, out, loading)
    cells = plan(options, surveys)
    run_cells(cells, store, classifier, loading)
    results = None
    if is_main_process():
        results = write_results(cells, store, classifier, options, Path(out))
    barrier()
    return results


def open_store(
    classifier: EvaluatedClassifier,
    class_file: str | None,
    surveys: Mapping[str, Survey],
    out: str | Path,
    loading: Loading,
) -> CellStore:
    """The finished cells in a folder, of one model.

    Args:
        classifier (EvaluatedClassifier): The model.
        class_file (str, optional): File of another label space.
        surveys (Mapping[str, Survey]): The data, by the sources' names.
        out (str | Path): Folder of the results.
        loading (Loading): How images are loaded.

    Returns:
        CellStore: ``OUT/cells``.
    """
    context = dict(
        model=classifier.sha256(),
        input_size=classifier.input_size,
        native=loading.native,
        classes=None if class_file is None else read_class_file(class_file),
    )
    batches = dict(batch_size=loading.batch_size, processes=get_world_size())
    return CellStore(Path(out) / 'cells', context, surveys, batches)


def run_cells(
    cells: Sequence[Cell],
    store: CellStore,
    classifier: EvaluatedClassifier,
    loading: Loading,
) -> None:
    """Measure the cells that are not finished; called by all processes.

    Args:
        cells (Sequence[Cell]): The cells.
        store (CellStore): Where they are, or will be.
        classifier (EvaluatedClassifier): The classifier.
        loading (Loading): How images are loaded.
    """
    # One process looks: others may see a shared folder later.
    there = [is_main_process() and store.finished(cell) for cell in cells]
    broadcast_object_list(there)
    todo = [cell for cell, done in zip(cells, there, strict=True) if not done]
    print_log(
        f'{len(cells)} cells, of which {len(cells) - len(todo)} are finished '
        f'in {store.folder}',
        logger='current',
    )
    if is_main_process():
        for folder, _, _ in os.walk(store.folder):
            remove_partial(folder)
    works = {id(cell): cost(cell, _num_images(cell, store)) for cell in todo}
    progress = SuiteProgress(sum(works.values()))
    count = len(cells) - len(todo)
    for group in _passes(todo):
        begin = time.monotonic()
        work = sum(works[id(cell)] for cell in group)
        images = store.surveys[group[0].source.name].images
        loader = build_loader(group[0], images, classifier, loading)
        share, what = work / len(loader), _title(group)

        def tick(share: float = share, what: str = what) -> None:
            progress.update(share, what)

        arrays = run_pass(group, loader, classifier, tick)
        seconds = time.monotonic() - begin
        count += len(group)
        if is_main_process():
            for cell, values in zip(group, arrays, strict=True):
                store.write(cell, values, seconds)
        progress.write(f'{what} is finished, cell {count} of {len(cells)}')


def _passes(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells with metrics of the same images go together."""
    groups = itertools.groupby(
        enumerate(cells),
        lambda item: (
            item[0] if item[1].metric is None else item[1].source.name
        ),
    )
    return [[cell for _, cell in group] for _, group in groups]


def _num_images(cell: Cell, store: CellStore) -> int:
    if cell.stop is not None:
        return cell.stop - cell.start
    return store.surveys[cell.source.name].images


def _title(group: Sequence[Cell]) -> str:
    names = ' and '.join(cell.name for cell in group)
    if group[0].stop is None:
        return names
    return f'{names}, images {group[0].start} to {group[0].stop - 1},'


def _check_label_space(
    classifier: EvaluatedClassifier, class_file: str | None
) -> None:
    names: Sequence[str] = imagenet_synsets()
    if class_file is not None:
        names = read_class_file(class_file)
    found = classifier.num_classes()
    if found != len(names):
        where = 'ImageNet-1K' if class_file is None else class_file
        raise ValueError(
            f'{classifier.name} has {found} classes, but {where} has '
            f'{len(names)}. For another label space than ImageNet-1K, give a '
            'file with its folder names, one per line, in the order of the '
            'classes'
        )
    places = {name: i for i, name in enumerate(names)}
    for place, name in enumerate(classifier.classes):
        # The checkpoint may have other words for some of the folders.
        if places.get(name, place) != place:
            raise ValueError(
                f'{class_file or "ImageNet-1K"} has {name!r} as class '
                f'{places[name]}, but in {classifier.checkpoint} it is class '
                f'{place}: give the classes in the order of the latter, '
                f'{reprlib.repr(list(classifier.classes))}'
            )


def _say_what_is_attacked(
    options: SuiteOptions, surveys: Mapping[str, Survey]
) -> None:
    attacks = [part for part in options.parts if part in ATTACKS]
    if not attacks:
        return
    source = options.source(attacks[0])
    images = surveys[source.name].images
    which = f'all {images} images of {source.root}'
    if source.ann_file:
        which = f'the {images} images of {source.root} in {source.ann_file}'
    print_log(f'{", ".join(attacks)}: on {which}', logger='current')
