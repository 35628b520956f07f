# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a run leaves in its work directory, without running it."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import tiny_run
import torch
from mmengine.logging import MMLogger
from test_agreement.table import argv

from aemim_mm.hooks import RunOriginHook


def ran(
    folder: Path,
    cfg: Mapping,
    *options: str,
    epoch: int = 1,
    length: int = 6,
    processes: int = 1,
    seed: int | None = 3,
    notes: bool = True,
    work_dir: str = 'w',
) -> str:
    """Leave the checkpoint of a run of a config.

    Args:
        folder (Path): The current one.
        cfg (Mapping): The config.
        *options (str): Further options of the tool.
        epoch (int): Finished epochs. Defaults to 1.
        length (int): Iterations of an epoch. Defaults to 6.
        processes (int): Number of processes. Defaults to 1.
        seed (int, optional): What the run drew. Defaults to 3.
        notes (bool): Whether what it started from is noted: not in earlier
            versions. Defaults to True.
        work_dir (str): Its work directory. Defaults to 'w'.

    Returns:
        str: The checkpoint.
    """
    arguments = argv(folder, cfg, '--work-dir', work_dir, *options)
    run, _ = tiny_run.load_tool('train').prepare(arguments)
    Path(work_dir).mkdir(exist_ok=True)
    path = Path(work_dir, f'epoch_{epoch}.pth')
    meta = dict(
        epoch=epoch,
        iter=epoch * length,
        seed=seed,
        cfg=tiny_run.text_of(run.cfg.to_dict()),
        dataset_meta=run.dataset('train').metainfo,
    )
    checkpoint = dict(meta=meta, optimizer={}, state_dict={})
    if 'EMAHook' in str(run.cfg.custom_hooks):
        checkpoint['ema_state_dict'] = {}
    if notes:
        hook = RunOriginHook()
        runner = SimpleNamespace(
            cfg=run.cfg,
            world_size=processes,
            train_dataloader=range(length),
            logger=MMLogger.get_current_instance(),
        )
        hook.before_train(runner)
        hook.before_save_checkpoint(runner, checkpoint)
    torch.save(checkpoint, path)
    Path(work_dir, 'last_checkpoint').write_text(str(path))
    return str(path)


def weights(path: str, value: float = 0.0) -> str:
    """A file of weights, whose content is set by a number."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    key = 'backbone.cls_token'
    torch.save(dict(state_dict={key: torch.full((1, 1, 32), value)}), path)
    return path
