# Copyright (c) aemim_mm contributors. All rights reserved.
"""Nothing to do, nothing to judge by."""

from .disagreement import Disagreement
from .run import Run


def something_to_train_on(run: Run) -> None:
    """An epoch has at least one iteration."""
    dataset = run.dataset('train')
    loader = run.section('train_dataloader')
    batch = loader.get('batch_size')
    if dataset is None or not isinstance(batch, int):
        return
    images = len(dataset)
    drops = loader.get('drop_last', False)
    if images and not (drops and images < batch * run.processes):
        return
    raise Disagreement(
        f'train_dataloader.dataset holds {images} images, but '
        f'train_dataloader.batch_size={batch} in {run.processes} processes '
        f'with drop_last={drops}: no iteration would be run. Give more '
        'images or a smaller batch.'
    )
