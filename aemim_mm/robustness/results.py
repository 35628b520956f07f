# Copyright (c) aemim_mm contributors. All rights reserved.
"""The results of a run: ``results.json``, and image by image.

``results.json`` names two files that lie beside it, and has their checksums,
by their names, in ``per_image.sha256``.

- ``per_image.npz``: for every cell an array (N, ), int8, by the cell's name,
  such as ``imagenet``, ``real``, ``c/fog/3``, ``fgsm/2``, ``pgd/8``,
  ``curve/grid/0.002``, ``autoattack/2``: 1 for an image that is right, 0 for
  one that is wrong, -1 for one that does not count. Images are in the order
  of the data set. ``per_image.data`` names the data set of each cell; two
  runs measured the same images where it has the same ``sha256`` in ``data``.
- ``minimal_epsilons.npz``: see
  :class:`~aemim_mm.evaluation.MinimalEpsilons`.
"""

import json
import logging
import platform
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mmengine
import mmpretrain
import numpy as np
import timm
import torch
import torchvision
from mmengine.logging import print_log

from aemim_mm_cli.robustness_arguments import PARTS

from ..checkpoints.content import content_hash
from ..evaluation import MinimalEpsilons
from ..utils.storage import put_arrays, put_json
from ..version import __version__
from .cells import Cell
from .evaluated_classifier import EvaluatedClassifier
from .scores import score_suite
from .sources import image_names
from .store import CellStore
from .suite import SuiteOptions

PER_IMAGE = 'per_image.npz'
MINIMAL = 'minimal_epsilons.npz'


def write_results(
    cells: Sequence[Cell],
    store: CellStore,
    classifier: EvaluatedClassifier,
    options: SuiteOptions,
    out: Path,
) -> dict[str, Any]:
    """Bring finished cells together and write the results.

    Files of an earlier run in the folder are replaced or removed, with a
    warning if it was of another model or had parts that this one has not.

    Args:
        cells (Sequence[Cell]): All of the run, all finished.
        store (CellStore): Where they are.
        classifier (EvaluatedClassifier): The classifier.
        options (SuiteOptions): The parts and their settings.
        out (Path): Where ``results.json`` and the files beside it go.

    Returns:
        dict[str, Any]: Content of ``results.json``.
    """
    parts: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        parts[cell.name].append(cell)
    joined = {
        name: _join_parts(store, pieces) for name, pieces in parts.items()
    }
    correct = {
        name: arrays['correct']
        for name, arrays in joined.items()
        if 'correct' in arrays
    }
    results = score_suite(correct, options.class_file is None)
    if 'curve/minimal' in joined:
        arrays = joined['curve/minimal']
        found = MinimalEpsilons(
            *(torch.from_numpy(arrays[key]) for key in ('index', 'epsilon'))
        )
        found.save(out / MINIMAL, image_names(options.source('curve')))
        results['curve']['minimal_eps'] = MINIMAL
    else:
        (out / MINIMAL).unlink(missing_ok=True)
    put_arrays(correct, out / PER_IMAGE)
    checksums = {
        name: content_hash(str(out / name))
        for name in (PER_IMAGE, MINIMAL)
        if (out / name).is_file()
    }
    sources = {name: parts[name][0].source.name for name in correct}
    results.update(
        per_image=dict(file=PER_IMAGE, data=sources, sha256=checksums),
        data={name: asdict(v) for name, v in store.surveys.items()},
        model=_model(store, classifier),
        settings=_settings_of_run(store, options),
        versions=_versions(),
    )
    _warn_of_replaced(out / 'results.json', results)
    put_json(results, out / 'results.json')
    return results


def _warn_of_replaced(path: Path, results: dict[str, Any]) -> None:
    """Say what an earlier run had that its successor has not."""
    try:
        before = json.loads(path.read_text(encoding='utf-8'))
        lost = [name for name in PARTS if name in before.keys() - results]
        model = before.get('model') or {}
        now = results['model']['sha256']
        other = model.get('sha256', now) != now
    except (OSError, ValueError, AttributeError):
        return
    said = [f'was of another model, {model.get("name")}'] if other else []
    if lost:
        said.append(f'also had {", ".join(lost)}')
    if said:
        print_log(
            f'{path} of an earlier run is replaced; it {" and ".join(said)}. '
            f'What was computed for it is in {path.parent / "cells"}: the '
            'earlier command writes it again',
            logger='current',
            level=logging.WARNING,
        )


def _join_parts(
    store: CellStore, cells: Sequence[Cell]
) -> dict[str, np.ndarray]:
    pieces = [store.read(cell) for cell in cells]
    joined = {
        key: np.concatenate([piece[key] for piece in pieces])
        for key in pieces[0]
    }
    # Each image once, in the order of the data set.
    assert (joined['index'] == np.arange(len(joined['index']))).all()
    return joined


def _model(
    store: CellStore, classifier: EvaluatedClassifier
) -> dict[str, Any]:
    return dict(
        name=classifier.name,
        checkpoint=classifier.checkpoint,
        sha256=store.context['model'],
        mean=_on_0_to_255(classifier.model.mean),
        std=_on_0_to_255(classifier.model.std),
        **({} if classifier.head is None else dict(head=classifier.head)),
    )


def _settings_of_run(
    store: CellStore, options: SuiteOptions
) -> dict[str, Any]:
    context = {k: v for k, v in store.context.items() if k != 'model'}
    return context | dict(
        suite=list(options.parts),
        class_file=options.class_file,
        attack_list=options.attack_list or None,
        epsilons=list(options.epsilons),
        seed=options.seed,
    )


def _on_0_to_255(value: torch.Tensor) -> list[float]:
    return [round(v, 3) for v in value.flatten().tolist()]


def _versions() -> dict[str, str]:
    modules = (torch, torchvision, timm, mmengine, mmpretrain, np)
    return dict(
        aemim_mm=__version__,
        python=platform.python_version(),
        **{module.__name__: str(module.__version__) for module in modules},
    )
