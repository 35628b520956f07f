# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the statements of a run are: its config and its data sets."""

import logging
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    init_default_scope,
)
from mmengine.runner import set_random_seed

from ..checkpoints import load_checkpoint_file, read_checkpoint
from ..config_check import registries
from ..config_check.data_paths import downloads
from ..utils import type_name
from ..utils.launcher_variables import LAUNCHERS
from .disagreement import Disagreement
from .settings import counts_epochs
from .stored_run import StoredRun

OFFLINE = {'download': False}


class Run:
    """A run as it is about to start.

    A data set is built once, when a rule first asks for it, and handed to the
    Runner: its files are listed once.

    Attributes:
        cfg (Config): The config after all options.
        phases (tuple[str, ...]): Which of ``'train'``, ``'val'``, ``'test'``
            will be run.
        processes (int): Number of processes.
        new_schedule (bool): Whether a resumed run takes its learning rates
            from the config in place of the checkpoint.
        overwrite (bool): Whether checkpoints in the work directory may be
            written over.
        load_from (str, optional): Whose weights a new run would start from:
            ``load_from`` before ``--resume`` took its place. '' for none,
            None where the config does not say.
        data (dict[str, Any]): The data sets built so far, by phase.
        notes (list[str]): What the log is to say once there is one.

    Args:
        cfg (Config): The config.
        phases (Sequence[str]): The phases. Defaults to ``('train', 'val')``.
        new_schedule (bool): See above. Defaults to False.
        overwrite (bool): See above. Defaults to False.
        load_from (str, optional): See above. Defaults to None.
    """

    def __init__(
        self,
        cfg: Config,
        phases: Sequence[str] = ('train', 'val'),
        new_schedule: bool = False,
        overwrite: bool = False,
        load_from: str | None = None,
    ) -> None:
        self.cfg = cfg
        self.phases = tuple(
            phase
            for phase in phases
            if cfg.get(f'{phase}_dataloader') is not None
        )
        self.new_schedule = new_schedule
        self.overwrite = overwrite
        self.load_from = load_from
        variables = LAUNCHERS.get(cfg.get('launcher', 'none'))
        self.processes = (
            int(os.environ.get(variables.world_size, 1)) if variables else 1
        )
        self.data: dict[str, Any] = {}
        self.notes: list[str] = []

    def print_notes(self) -> None:
        """Say in the log what is no error but worth knowing."""
        for note in self.notes:
            print_log(note, logger='current', level=logging.WARNING)

    @property
    def scope(self) -> str:
        """The scope in which the config's types are looked up."""
        return self.cfg.get('default_scope') or 'mmengine'

    @property
    def model(self) -> Mapping:
        """The config of the model, without test-time augmentation."""
        model = self.section('model')
        inner = model.get('module')
        return inner if isinstance(inner, Mapping) else model

    def model_is(self, base: str) -> bool:
        """Whether the model is of a kind.

        Args:
            base (str): Name of a class, such as ``'BaseClassifier'``.

        Returns:
            bool: Whether its class is that one or inherits it.
        """
        kind = self.model.get('type') or ''
        found = registries.first('model', kind, self.scope)
        return any(c.__name__ == base for c in getattr(found, '__mro__', ()))

    @cached_property
    def checkpoint_classes(self) -> list[str]:
        """The classes that a checkpoint to be tested, or resumed, has learnt.

        None are given where the file does not say.
        """
        labelled = self.model_is('BaseClassifier') or self.model_is(
            'BaseDetector'
        )
        if not labelled:
            return []
        if self.stored is not None:
            stored: Mapping = self.stored.dataset
        elif 'test' in self.phases and self.cfg.get('load_from'):
            stored = _stored_dataset(self.cfg.load_from)
        else:
            return []
        classes = stored.get('classes', stored.get('CLASSES')) or ()
        return [] if isinstance(classes, str) else list(classes)

    @property
    def checkpoint_name(self) -> str:
        """The checkpoint to be tested, or resumed, for a message."""
        return f'the checkpoint {self.resumes_from or self.cfg.load_from}'

    @property
    def resumes_from(self) -> str | None:
        """The checkpoint of the run that this one goes on with."""
        if not self.cfg.get('resume', False):
            return None
        pointer = Path(self.cfg.work_dir, 'last_checkpoint')
        if self.cfg.get('load_from', None):
            return self.cfg.load_from
        return pointer.read_text().strip() if pointer.is_file() else None

    @cached_property
    def stored(self) -> StoredRun | None:
        """What that checkpoint says. None without one."""
        path = self.resumes_from
        return None if path is None else StoredRun(path)

    def section(self, name: str) -> Mapping:
        """A top-level section of the config, empty if there is none.

        Args:
            name (str): Its name, such as ``'train_cfg'``.

        Returns:
            Mapping: The section.
        """
        section = self.cfg.get(name)
        return section if isinstance(section, Mapping) else {}

    @property
    def by_epoch(self) -> bool:
        """Whether the training loop counts epochs."""
        return counts_epochs(self.section('train_cfg'))

    @property
    def iterations_per_epoch(self) -> int | None:
        """Iterations of an epoch, None if a sampler of its own decides."""
        loader = self.section('train_dataloader')
        batch = loader.get('batch_size')
        images = self.images_per_process
        if images is None or not batch:
            return None
        if loader.get('num_batch_per_epoch'):
            return loader['num_batch_per_epoch']
        if loader.get('drop_last', False):
            return images // batch
        return -(-images // batch)

    @property
    def images_per_process(self) -> int | None:
        """Images of an epoch in each process, None if it is not known."""
        dataset = self.dataset('train')
        sampler = self.section('train_dataloader').get('sampler')
        if dataset is None or not isinstance(sampler, Mapping):
            return None
        kind = sampler.get('type')
        name = type_name(kind)
        if name in ('DefaultSampler', 'RepeatAugSampler'):
            return -(-len(dataset) // self.processes)
        if self.processes > 1 or 'Infinite' in name:
            return None
        init_default_scope(self.scope)
        return len(
            DATA_SAMPLERS.build(
                sampler, default_args=dict(dataset=dataset, seed=0)
            )
        )

    def length(self, by_epoch: bool) -> int | None:
        """Length of the training.

        Args:
            by_epoch (bool): Whether in epochs, else in iterations.

        Returns:
            int | None: The length. None if it is not known, such as that in
            epochs of a loop that counts iterations.
        """
        loop = self.section('train_cfg')
        if not self.by_epoch:
            return None if by_epoch else loop.get('max_iters')
        if by_epoch:
            return loop.get('max_epochs')
        per_epoch, epochs = self.iterations_per_epoch, loop.get('max_epochs')
        if per_epoch is None or epochs is None:
            return None
        return per_epoch * epochs

    def dataset(self, phase: str) -> Any:
        """The data set of a phase, with its files listed.

        Args:
            phase (str): ``'train'``, ``'val'`` or ``'test'``.

        Returns:
            Any: The data set. None if the phase is not run, or several
            processes would download it.

        Raises:
            Disagreement: If it cannot be built.
        """
        if phase not in self.phases:
            return None
        if phase not in self.data:
            key = f'{phase}_dataloader.dataset'
            config = self.section(f'{phase}_dataloader').get('dataset')
            if not isinstance(config, Mapping):
                return None
            init_default_scope(self.scope)
            self._seed()
            if self.processes > 1 and downloads(config, self.scope):
                # All would download at once: none waits for another yet.
                try:
                    self.data[phase] = _build(key, {**config, **OFFLINE})
                except Disagreement:
                    return None
            else:
                self.data[phase] = _build(key, config)
        return self.data[phase]

    def _seed(self) -> None:
        """Let data sets that draw images draw them as in every process.

        The Runner sets the seed again. Without one, a single process draws
        as it likes.
        """
        seed = self.section('randomness').get('seed')
        if seed is None and self.stored is not None:
            seed = self.stored.seed
        if seed is None and self.processes > 1:
            seed = 0
        if seed is not None:
            set_random_seed(seed)


def _stored_dataset(file: str) -> Mapping:
    """What a checkpoint says of its training set."""
    # The one says what it reads; the Runner will.
    read = load_checkpoint_file if osp.isfile(file) else read_checkpoint
    try:
        meta = read(file, 'cpu').get('meta') or {}
    except ValueError as error:  # a damaged file
        raise Disagreement(str(error)) from error
    return meta.get('dataset_meta') or {}


def _build(key: str, config: Mapping) -> Any:
    """A data set that holds something."""
    try:
        dataset = DATASETS.build(config)
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
        empty = len(dataset) == 0
    except Exception as error:
        cause = str(error) or type(error).__name__
        # What mmengine says where the list of images is empty.
        empty = 'need at least one array' in cause
        if not empty:
            raise Disagreement(
                f'{key} ({_named(config)}) cannot be read: {cause}'
            ) from error
    if empty:
        raise Disagreement(
            f'{key} ({_named(config)}) holds no image: name a list or folder '
            'that holds some.'
        )
    return dataset


def _named(config: Mapping) -> str:
    """What tells a data set from others."""
    keys = ('type', 'data_root', 'data_prefix', 'ann_file')
    return ', '.join(f'{k}={config[k]!r}' for k in keys if config.get(k))
