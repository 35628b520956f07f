# Copyright (c) aemim_mm contributors. All rights reserved.
"""Runs that get mixed up."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..checkpoints.content import content_hash
from ..config_check.weights import first_on_machine, named_weights
from .differences import differences, listed, plain
from .disagreement import Disagreement
from .run import Run
from .stored_run import StoredRun

PATTERNS = ('last_checkpoint', 'epoch_*.pth', 'iter_*.pth', 'best_*.pth')
# Files that are compared by what is in them.
FILES = ('checkpoint', 'tokenizer_path')
APART = 'For a run of its own, pass another --work-dir, without --resume.'


def own_checkpoints(run: Run) -> None:
    """A run writes over no checkpoints but its own."""
    if 'train' not in run.phases:
        return
    if run.overwrite:
        _check_own_start(run)
        return
    for found in _others_checkpoints(run):
        raise Disagreement(
            f'A new run would overwrite another one: {found} is in its work '
            f'directory {run.cfg.work_dir}. Pass --resume to continue that '
            'run, --work-dir to keep both, or --overwrite to delete the '
            'existing checkpoints.'
        )


def _check_own_start(run: Run) -> None:
    """``--overwrite`` does not delete what the run starts from."""
    lost = {path.resolve() for path in _others_checkpoints(run)}
    for key, file in weights_now(run).items():
        if Path(file).expanduser().resolve() in lost:
            raise Disagreement(
                f'--overwrite would delete {file}, from which this run '
                f'starts ({key}). Pass another --work-dir, or move the file.'
            )


def delete_overwritten(run: Run) -> None:
    """Delete what ``--overwrite`` gives up, in the main process.

    Else a later ``--resume`` could go on with the run before this one.
    """
    if run.overwrite:
        for path in _others_checkpoints(run):
            path.unlink()


def delete_outdated(run: Run) -> None:
    """Delete what a finished run was about to delete when it was killed."""
    stored, folder = run.stored, Path(run.cfg.work_dir).resolve()
    # Not of a run in another folder, from which this one would go on.
    if stored is None or Path(stored.path).resolve().parent != folder:
        return
    for name in stored.outdated:
        path = folder / Path(name).name
        # Not the best one, which another hook may want.
        if path.name.startswith(('epoch_', 'iter_')):
            path.unlink(missing_ok=True)


def same_weights(run: Run) -> None:
    """A resumed run starts from the weights that it had started from."""
    stored = run.stored
    if stored is None or not first_on_machine(run.cfg):
        return
    then, now = _weights_then(stored), weights_now(run)
    # Where one side does not say, there is nothing to compare.
    unknown = run.load_from is None or (
        'weights' not in stored.origin and stored.config.get('resume')
    )
    if unknown:
        then.pop('load_from', None)
        now.pop('load_from', None)
    for key in {**then, **now}:
        file, known = then.get(key, (None, None))
        current = now.get(key)
        if file is not None and current is not None:
            # Of a run without notes, the same path is all that is known.
            if known is None and file == current:
                continue
            known = known or content_hash(file)
            found = content_hash(current)
            if known == found and (found or file == current):
                continue
            if found is None and file == current:
                continue
            current = f'{current} ({_mark(found)})'
        before = f'{file} ({_mark(known)})' if file else 'no file'
        raise Disagreement(
            f'{stored.path} belongs to a run that started from '
            f'{key}={before}, but now it is {current or "no file"}: the '
            'results of the two runs would be confused. To continue that run, '
            f'set {key} as it was. {APART}'
        )


def same_model(run: Run) -> None:
    """A resumed run has the model that it had."""
    stored = run.stored
    if stored is None or 'model' not in stored.config:
        return
    found = list(
        differences(_model(stored.config), _model(run.cfg.to_dict()), 'model')
    )
    if found:
        raise Disagreement(
            f'{stored.path} belongs to a run with another model: '
            f'{listed(found)}. To continue that run, use the same model as '
            f'before. {APART}'
        )


def _others_checkpoints(run: Run) -> list[Path]:
    """Checkpoints of another run where this one will put its own."""
    folder = Path(run.cfg.work_dir)
    folders = [folder]
    hook = run.section('default_hooks').get('checkpoint') or {}
    if hook.get('out_dir') and '://' not in hook['out_dir']:
        folders.append(Path(hook['out_dir'], folder.absolute().name))
    own = run.resumes_from and Path(run.resumes_from).expanduser().resolve()
    if own and any(own.parent == each.resolve() for each in folders):
        return []
    return [
        found
        for each in folders
        for pattern in PATTERNS
        for found in sorted(each.glob(pattern))
    ]


def _model(cfg: Mapping) -> Any:
    """A model's config with its preprocessor, without the paths of files."""
    model = dict(cfg.get('model') or {})
    if model.get('data_preprocessor') is None:
        model['data_preprocessor'] = cfg.get('data_preprocessor')
    return plain(model, without=FILES)


def _weights_then(stored: StoredRun) -> dict[str, tuple[str, str | None]]:
    """Path and hash of each file that the stored run started from."""
    if 'weights' in stored.origin:
        return {
            key: (each['file'], each['sha256'])
            for key, each in stored.origin['weights'].items()
        }
    files = {key: file for key, file, _ in named_weights(stored.config)}
    if stored.config.get('load_from'):
        files['load_from'] = stored.config['load_from']
    return {key: (file, None) for key, file in files.items()}


def weights_now(run: Run) -> dict[str, str]:
    """The files that a new run of this config would start from."""
    files = {key: file for key, file, _ in named_weights(run.cfg)}
    if run.load_from:
        files['load_from'] = os.fspath(run.load_from)
    return files


def _mark(digest: str | None) -> str:
    return f'SHA-256 {digest[:12]}' if digest else 'file not found'
