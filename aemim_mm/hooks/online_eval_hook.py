# Copyright (c) aemim_mm contributors. All rights reserved.
"""How good the features are, while pre-training goes on."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.models import (
    SparseConvNeXt,
    SparseResNet,
    TwoNormDataPreprocessor,
)
from mmpretrain.registry import DATASETS, HOOKS
from torch import Tensor
from torch.utils.data import DataLoader, Subset, default_collate

from ..datasets.image_files import READ_EXTENSIONS
from ..evaluation.frozen_encoder import FrozenEncoder
from ..evaluation.probes import knn_accuracy, linear_accuracy, rank_me
from ..visualization.isolation import isolated
from .load_target import unwrap

SPLITS = ('train', 'val')


@HOOKS.register_module()
class OnlineEvalHook(Hook):
    """Evaluate the clean encoder on a small labelled set during training.

    ``online/knn`` and ``online/linear`` are accuracies in percent on ``val``
    of a classifier fitted to ``train``: the nearest neighbours' vote and a
    linear layer. ``online/rankme`` is the effective number of dimensions of
    the features of ``train``, which needs no labels. They are
    measured before the first step, after every ``interval`` and at the end,
    and are written to the log and the visualizer. The features are the mean
    of the patches of the whole, unmasked image.

    The hook does not change the training: see :func:`isolated`. Only the main
    process evaluates, so keep the set small.

    Args:
        data_root (str): Folder with ``train/CLASS/IMAGE`` and
            ``val/CLASS/IMAGE``.
        interval (int): Epochs, or iterations, between two evaluations.
            Defaults to 1.
        by_epoch (bool): Whether ``interval`` counts epochs. Defaults to True.
        pipeline (list[dict], optional): How images are read. Defaults to
            None, that of ``test_dataloader`` in the run's config.
        max_images (int): Largest number of images of each of the two sets,
            evenly spread over the set. Defaults to 2000.
        batch_size (int): Images at a time. Defaults to 64.
        k (int): Neighbours. Defaults to 20.

    Raises:
        ValueError: If a number is below 1. Before training: if there is no
            pipeline, no image, the classes of the two folders differ, or the
            encoder does not encode whole images (SparK's).
        FileNotFoundError: Before training, if a folder is not there.
    """

    # After the checkpoint hook: a measurement that fails must not cost it.
    priority = 'LOWEST'

    def __init__(
        self,
        data_root: str,
        interval: int = 1,
        by_epoch: bool = True,
        pipeline: list[dict] | None = None,
        max_images: int = 2000,
        batch_size: int = 64,
        k: int = 20,
    ) -> None:
        for name, value in dict(
            interval=interval,
            max_images=max_images,
            batch_size=batch_size,
            k=k,
        ).items():
            if value < 1:
                raise ValueError(
                    f'OnlineEvalHook.{name} must be >= 1, but got {value}'
                )
        self.data_root, self.pipeline = data_root, pipeline
        self.interval, self.by_epoch = interval, by_epoch
        self.max_images, self.batch_size, self.k = max_images, batch_size, k
        self._sets: dict[str, Subset] = {}

    def before_train(self, runner: Runner) -> None:
        """Open the sets in every process, so that all stop, and measure."""
        encoder = unwrap(runner.model).backbone
        if isinstance(encoder, SparseResNet | SparseConvNeXt):
            raise ValueError(
                f'OnlineEvalHook: {type(encoder).__name__} does not encode '
                'whole images. Remove the hook'
            )
        datasets = {split: self._open(runner, split) for split in SPLITS}
        first, second = (d.metainfo['classes'] for d in datasets.values())
        if first != second:
            raise ValueError(
                f'OnlineEvalHook: {self.data_root}/train has the classes '
                f'{list(first)}, but {self.data_root}/val {list(second)}'
            )
        for split, dataset in datasets.items():
            count = min(len(dataset), self.max_images)
            chosen = [i * len(dataset) // count for i in range(count)]
            self._sets[split] = Subset(dataset, chosen)
        self._measure(runner, runner.epoch if self.by_epoch else runner.iter)

    def after_train_epoch(self, runner: Runner) -> None:
        """Measure, if epochs count and it is time to."""
        due = self.every_n_epochs(runner, self.interval)
        if self.by_epoch and (due or self.is_last_train_epoch(runner)):
            self._measure(runner, runner.epoch + 1)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Mapping | None = None,
    ) -> None:
        """Measure, if iterations count and it is time to."""
        due = self.every_n_train_iters(runner, self.interval)
        if not self.by_epoch and (due or self.is_last_train_iter(runner)):
            self._measure(runner, runner.iter + 1)

    def _open(self, runner: Runner, split: str):
        pipeline = self.pipeline
        if pipeline is None:
            loader = runner.cfg.get('test_dataloader') or {}
            pipeline = (loader.get('dataset') or {}).get('pipeline')
        if not pipeline:
            raise ValueError(
                'OnlineEvalHook needs a pipeline: the config has none in '
                'test_dataloader.dataset'
            )
        return DATASETS.build(
            dict(
                type='CustomDataset',
                data_root=self.data_root,
                data_prefix=split,
                extensions=READ_EXTENSIONS,
                pipeline=copy.deepcopy(pipeline),
                # A bad image stops the run: none takes another's place.
                test_mode=True,
            )
        )

    def _measure(self, runner: Runner, step: int) -> None:
        if not is_main_process():
            return
        model = unwrap(runner.model)
        with isolated(model, seed=0), torch.no_grad():
            (train, labels), (test, wanted) = (
                self._features(model, self._sets[split]) for split in SPLITS
            )
        found = {
            'online/knn': knn_accuracy(train, labels, test, wanted, self.k),
            'online/linear': linear_accuracy(train, labels, test, wanted),
            'online/rankme': rank_me(train),
        }
        text = ', '.join(
            f'{name} {value:.2f}' for name, value in found.items()
        )
        unit = 'epoch' if self.by_epoch else 'iteration'
        runner.logger.info(f'Features after {unit} {step}: {text}')
        runner.visualizer.add_scalars(found, step=step)

    def _features(self, model, dataset: Subset) -> tuple[Tensor, Tensor]:
        found, labels = [], []
        encoder = FrozenEncoder(model.backbone, 'avg')
        loader = DataLoader(dataset, self.batch_size, collate_fn=list)
        for items in loader:
            labels += [item['data_samples'].gt_label for item in items]
            images = default_collate([item['inputs'] for item in items])
            samples = [item['data_samples'] for item in items]
            found.append(
                encoder(_inputs(model, images, samples)).float().cpu()
            )
        return torch.cat(found), torch.cat(labels)


def _inputs(model: Any, images: Tensor, samples: list) -> Tensor:
    """Images in 0-255 as the encoder takes them."""
    # One that prepares an image and its target takes two views.
    views = isinstance(model.data_preprocessor, TwoNormDataPreprocessor)
    batch = dict(
        inputs=[images, images] if views else images, data_samples=samples
    )
    inputs = model.data_preprocessor(batch, False)['inputs']
    return inputs[0] if views else inputs
