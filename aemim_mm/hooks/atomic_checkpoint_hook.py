# Copyright (c) aemim_mm contributors. All rights reserved.
import inspect
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size, is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from ..utils import near_misses
from ..utils.storage import (
    PARTIAL_SUFFIX,
    AtomicLocalBackend,
    remove_partial,
)
from .logger_interval import logger_interval
from .non_finite_hook import read_losses

POINTER = 'last_checkpoint'
# In the checkpoint that made them so.
OUTDATED = 'outdated_ckpts'


class _DelayedRemoval:
    """A storage backend that removes files only when told so.

    What waits is noted for the checkpoint that will be written meanwhile.
    """

    def __init__(self, backend: Any, runner: Runner) -> None:
        self._backend = backend
        self._message_hub = runner.message_hub
        self._waiting: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self._wait(path, 'remove')

    def rmtree(self, path: str) -> None:
        self._wait(path, 'rmtree')

    def _wait(self, path: str, method: str) -> None:
        self._waiting[str(path)] = method
        self._message_hub.update_info(OUTDATED, list(self._waiting))

    def flush(self, keep: set[str]) -> None:
        waiting, self._waiting = self._waiting, {}
        for path, method in waiting.items():
            if path not in keep and self._backend.exists(path):
                getattr(self._backend, method)(path)


class _PointerAside:
    """A runner whose work folder is a scratch folder, all else forwarded."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._scratch: tempfile.TemporaryDirectory | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    @property
    def work_dir(self) -> str:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(
                dir=self._runner.work_dir, suffix=PARTIAL_SUFFIX
            )
        return self._scratch.name

    def publish(self) -> None:
        """Replace the pointer by the one written aside, in one step."""
        if self._scratch is None:
            return
        text = (Path(self._scratch.name) / POINTER).read_text()
        target = Path(self._runner.work_dir) / POINTER
        AtomicLocalBackend().put_text(text, target)
        self._scratch.cleanup()


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, safe against a kill at any moment.

    mmengine deletes the oldest checkpoint before it writes the new one (with
    ``max_keep_ckpts=1`` the only one), writes in place, and truncates the
    file ``last_checkpoint`` before filling it. Here

    1. the new checkpoint is written to a temporary name and renamed when it
       is complete;
    2. then ``last_checkpoint`` is replaced in one step;
    3. only then are outdated checkpoints deleted, a former best one included.

    At every moment ``last_checkpoint`` names a complete checkpoint. The disk
    must hold one checkpoint more than ``max_keep_ckpts``. What a killed
    process left is removed at the next start: incomplete files and, when the
    run is resumed, a checkpoint that was to be deleted.

    Args:
        interval (int): As in ``CheckpointHook``. Defaults to -1.
        by_epoch (bool): As in ``CheckpointHook``. Defaults to True.
        out_dir (str or PathLike, optional): As in ``CheckpointHook``.
            Defaults to None.
        backend_args (dict, optional): Arguments of the storage backend.
            ``None`` means the atomic local one, or for an ``out_dir`` with a
            scheme such as ``s3://`` the one that belongs to it. Defaults to
            None.
        minutes (float, optional): With ``by_epoch=False``, also save after
            the first iteration for which the last checkpoint, or the start,
            is so long ago. Several processes agree on it at the interval of
            the ``LoggerHook``. Defaults to None, never.
        **kwargs: Other arguments of ``CheckpointHook``.

    Raises:
        TypeError: If ``CheckpointHook`` has no such argument.
        ValueError: If the outdated ``file_client_args`` is given, or
            ``minutes`` is not positive or is given with ``by_epoch=True``.
    """

    def __init__(
        self,
        interval: int = -1,
        by_epoch: bool = True,
        *,
        out_dir: str | PathLike | None = None,
        backend_args: dict | None = None,
        minutes: float | None = None,
        **kwargs,
    ) -> None:
        if minutes is not None and (by_epoch or minutes <= 0):
            raise ValueError(
                'AtomicCheckpointHook.minutes must be positive and needs '
                f'by_epoch=False, but got minutes={minutes}, '
                f'by_epoch={by_epoch}'
            )
        self.minutes = minutes
        self._saved_at = 0.0
        self._agree_every = 0
        # mmengine keeps unknown arguments until the first save, and fails.
        known = {
            name
            for name, parameter in inspect.signature(
                CheckpointHook
            ).parameters.items()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        }
        for name in kwargs:
            if name not in known:
                raise TypeError(
                    f'AtomicCheckpointHook has no argument {name!r}.'
                    f'{near_misses(name, known)} It takes {sorted(known)}.'
                )
        if kwargs.get('file_client_args') is not None:
            raise ValueError(
                'AtomicCheckpointHook takes backend_args in place of the '
                f'outdated file_client_args={kwargs["file_client_args"]}.'
            )
        if backend_args is None and '://' not in str(out_dir or ''):
            backend_args = dict(backend='atomic')
        super().__init__(
            interval,
            by_epoch,
            out_dir=out_dir,
            backend_args=backend_args,
            **kwargs,
        )

    def before_train(self, runner: Runner) -> None:
        """Find the folder and clear away what a killed write left in it."""
        super().before_train(runner)
        self._saved_at = time.monotonic()
        self._agree_every = logger_interval(runner)
        if is_main_process():
            folders = {str(runner.work_dir)}
            if isinstance(self.file_backend, LocalBackend):
                folders.add(str(self.out_dir))
            for folder in sorted(folders):
                for name in remove_partial(folder):
                    runner.logger.info(
                        f'Removed {name} in {folder}, the rest of a write '
                        'that was killed'
                    )
        self.file_backend = _DelayedRemoval(self.file_backend, runner)
        if is_main_process():
            self._remove_outdated(runner)

    def _remove_outdated(self, runner: Runner) -> None:
        """Delete what the run was about to delete when it was killed."""
        outdated = runner.message_hub.runtime_info.get(OUTDATED, [])
        for path in outdated:
            # Not of a run in another folder, from which this one goes on.
            if path == self.file_backend.join_path(
                str(self.out_dir), Path(path).name
            ):
                self.file_backend.remove(path)
        if outdated:
            self.file_backend.flush(keep=self._in_use())

    def _in_use(self) -> set[str]:
        in_use = {self.last_ckpt, getattr(self, 'best_ckpt_path', None)}
        in_use.update(getattr(self, 'best_ckpt_path_dict', {}).values())
        return {str(path) for path in in_use}

    @contextmanager
    def _in_order(self, runner: Runner) -> Iterator[_PointerAside]:
        """Write, then point, then delete; on an error none of what is left."""
        aside = _PointerAside(runner)
        yield aside
        aside.publish()
        if not isinstance(
            getattr(self, 'file_backend', None), _DelayedRemoval
        ):
            # A validation without training before it.
            return
        self.file_backend.flush(keep=self._in_use())

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Save the checkpoint, if it is saved by iteration and due."""
        as_set, last = (self.interval, self.save_begin), self.last_ckpt
        if self._is_late(runner):
            read_losses(runner)
            self.interval, self.save_begin = 1, 0
        with self._in_order(runner) as aside:
            super().after_train_iter(aside, batch_idx, data_batch, outputs)
        self.interval, self.save_begin = as_set
        if self.last_ckpt != last:
            self._saved_at = time.monotonic()

    def _is_late(self, runner: Runner) -> bool:
        """Whether the last checkpoint is too long ago; all decide alike."""
        if self.minutes is None or self.by_epoch:
            return False
        ago = time.monotonic() - self._saved_at
        if get_world_size() > 1:
            if not self.every_n_train_iters(runner, self._agree_every):
                return False
            longest = torch.tensor(ago)
            all_reduce(longest, op='max')
            ago = longest.item()
        return ago >= 60 * self.minutes

    def after_train_epoch(self, runner: Runner) -> None:
        """Save the checkpoint, if it is saved by epoch and due."""
        with self._in_order(runner) as aside:
            super().after_train_epoch(aside)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Save the best checkpoint, if the metrics are the best so far."""
        with self._in_order(runner) as aside:
            super().after_val_epoch(aside, metrics or {})
