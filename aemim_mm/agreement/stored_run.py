# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a checkpoint says of the run that wrote it."""

from typing import Any

from ..checkpoints import read_checkpoint
from ..checkpoints.config_text import parse_config
from ..checkpoints.safe_file import load_checkpoint_file
from ..hooks.atomic_checkpoint_hook import OUTDATED
from .disagreement import Disagreement


class StoredRun:
    """A run that another one goes on with, read from its checkpoint.

    Disagreement if the file, a path or URL, cannot be read, or no run can go
    on from it. Its ``config`` is there as far as it consists of plain values;
    ``origin`` is what ``RunOriginHook`` has noted, empty in checkpoints of
    earlier versions; ``epoch`` and ``iter`` count what is finished;
    ``averaged`` says whether the weights are the averages of ``EMAHook``;
    ``dataset`` is what the training set says of itself; ``outdated`` are
    checkpoints that it was about to delete.
    """

    def __init__(self, path: str) -> None:
        try:
            # mmengine's reader prints a line for each file.
            read = read_checkpoint if '://' in path else load_checkpoint_file
            checkpoint = read(path, 'cpu')
        except ValueError as error:
            raise Disagreement(f'--resume {path}: {error}') from error
        meta: dict[str, Any] = checkpoint.get('meta') or {}
        if not {'epoch', 'iter'} <= meta.keys() or (
            'optimizer' not in checkpoint
        ):
            raise Disagreement(
                f'--resume {path}: the file holds weights, but no optimizer '
                'state or no epoch, so no run can resume from it. To start a '
                'new run from its weights, pass --cfg-options '
                f'load_from={path} resume=False without --resume.'
            )
        self.path = path
        self.config = parse_config(meta.get('cfg') or '')
        self.origin: dict[str, Any] = meta.get('run_origin') or {}
        self.epoch: int = meta['epoch']
        self.iter: int = meta['iter']
        self.seed: int | None = meta.get('seed')
        self.averaged = 'ema_state_dict' in checkpoint
        self.dataset: dict[str, Any] = meta.get('dataset_meta') or {}
        log = checkpoint.get('message_hub') or {}
        info: dict[str, Any] = log.get('runtime_info') or {}
        self.outdated: list[str] = info.get(OUTDATED) or []

    @property
    def iterations_per_epoch(self) -> int | None:
        """Iterations of an epoch, None if the checkpoint does not tell."""
        if 'iterations_per_epoch' in self.origin:
            return self.origin['iterations_per_epoch']
        # One within an epoch does not.
        whole = self.epoch and not self.iter % self.epoch
        return self.iter // self.epoch if whole else None
