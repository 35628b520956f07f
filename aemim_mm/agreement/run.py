# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the statements of a run are: its config and its data sets."""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from .disagreement import Disagreement
from .stored_run import StoredRun

# Where each launcher says how many processes there are.
WORLD_SIZE = {
    'pytorch': 'WORLD_SIZE',
    'slurm': 'SLURM_NTASKS',
    'mpi': 'OMPI_COMM_WORLD_SIZE',
}


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
        data (dict[str, object]): The data sets built so far, by phase.

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
        variable = WORLD_SIZE.get(cfg.get('launcher', 'none'), '')
        self.processes = int(os.environ.get(variable, 1))
        self.data: dict[str, object] = {}

    @property
    def scope(self) -> str:
        """The scope in which the config's types are looked up."""
        return self.cfg.get('default_scope') or 'mmengine'

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

    def dataset(self, phase: str) -> Any:
        """The data set of a phase, with its files listed.

        Args:
            phase (str): ``'train'``, ``'val'`` or ``'test'``.

        Returns:
            Any: The data set. None if the phase is not run, or has none that
            a config describes.

        Raises:
            Disagreement: If it cannot be built.
        """
        if phase not in self.phases:
            return None
        if phase not in self.data:
            key = f'{phase}_dataloader.dataset'
            config = self.section(f'{phase}_dataloader').get('dataset')
            if not isinstance(config, Mapping):
                return config
            init_default_scope(self.scope)
            try:
                dataset = DATASETS.build(config)
                if hasattr(dataset, 'full_init'):
                    dataset.full_init()
            except Exception as error:
                cause = str(error) or type(error).__name__
                raise Disagreement(
                    f'{key}: {config.get("type")} cannot be built from this '
                    f'config. {cause}'
                ) from error
            self.data[phase] = dataset
        return self.data[phase]
