# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a row of the table is, and what rows are made of."""

import hashlib
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import tiny_run
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from PIL import Image
from test_agreement.table import changed

from aemim_mm_cli.user_errors import run_main

# They end the process by themselves.
WHOLE = ('train', 'test')


@dataclass(frozen=True)
class Row:
    """What someone gives to a tool, and how that ends.

    Attributes:
        name (str): Id of the test.
        tool (str): The tool.
        make (Callable): Writes into the current folder, which is empty, what
            the tool reads, and returns its arguments. What it writes under
            ``out`` is an earlier result.
        says (tuple[str, ...]): What the message holds. Empty where the tool
            does what it is asked for.
        prints (tuple[str, ...]): What is said where it does.
        slow (bool): Whether it takes seconds. Defaults to False.
        room (int, optional): Bytes that a file may have while the tool runs,
            as on a disk that becomes full. Defaults to None.
    """

    name: str
    tool: str
    make: Callable[[Path], list]
    says: tuple[str, ...] = ()
    prints: tuple[str, ...] = ()
    slow: bool = False
    room: int | None = None


@contextmanager
def limited(room: int | None) -> Iterator[None]:
    """Files may have so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if room is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_images(folder: Path, count: int = 8, size: int = 40) -> Path:
    """Noise, in turn in the classes a and b."""
    rng = np.random.default_rng(0)
    for index in range(count):
        path = folder / 'ab'[index % 2] / f'{index:02d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


def pretraining(folder: Path, changes: dict | None = None) -> str:
    """The config of one epoch of MAE, two iterations; the path."""
    root = write_images(folder / 'images')
    cfg = tiny_run.pretrain_cfg(str(root), tiny_run.mae())
    cfg['train_dataloader']['num_workers'] = 0
    cfg['train_cfg']['max_epochs'] = 1
    cfg['custom_hooks'].append(dict(type='CheckpointFitHook'))
    cfg['default_hooks']['checkpoint']['type'] = 'AtomicCheckpointHook'
    return write_config(folder / 'tiny.py', changed(cfg, changes or {}))


def image_files(root: str) -> dict:
    """Changes to :func:`pretraining`: the recipe for images of one's own."""
    return {
        'train_dataloader.dataset': dict(
            _delete_=True,
            type='ImageFiles',
            data_root=root,
            pipeline=[
                dict(type='LoadImageOrSkip'),
                dict(type='RandomResizedCrop', scale=32),
                dict(type='PackInputs'),
            ],
        )
    }


def classification(folder: Path, changes: dict | None = None) -> str:
    """The config of a test of a classifier of two classes; the path."""
    root = write_images(folder / 'images')
    cfg = tiny_run.classify_cfg(str(root))
    cfg['custom_hooks'] = [dict(type='CheckpointFitHook')]
    return write_config(folder / 'classify.py', changed(cfg, changes or {}))


def earlier(folder: Path, name: str) -> str:
    """An earlier result; its path."""
    (folder / 'out').mkdir(exist_ok=True)
    (folder / 'out' / name).write_bytes(b'earlier')
    return f'out/{name}'


def write_config(path: Path, cfg: dict) -> str:
    """Write a config; the path."""
    path.write_text(tiny_run.text_of(cfg))
    return str(path)


@cache
def _weights(kind: str, width: int) -> dict[str, torch.Tensor]:
    model = tiny_run.mae() if kind == 'mae' else classifier()
    model['backbone']['arch']['feedforward_channels'] = width
    torch.manual_seed(0)
    built = MODELS.build(model)
    built.init_weights()
    return built.state_dict()


def classifier() -> dict:
    """The model of :func:`classification`."""
    return tiny_run.classify_cfg('')['model']


def weights(kind: str = 'mae', width: int = 64) -> dict[str, torch.Tensor]:
    """Of the model of :func:`pretraining`, or of ``'classifier'``."""
    return dict(_weights(kind, width))


def checkpoint(kind: str = 'mae', state: dict | None = None) -> dict:
    """What mmengine would have saved."""
    model = tiny_run.mae() if kind == 'mae' else classifier()
    cfg = Config(dict(model=model))
    parameters = [torch.zeros(1) for _ in weights(kind)]
    return dict(
        meta=dict(epoch=1, iter=2, seed=3, cfg=tiny_run.text_of(cfg)),
        state_dict=weights(kind) if state is None else state,
        optimizer=torch.optim.AdamW(parameters, lr=1e-2).state_dict(),
        message_hub=dict(log_scalars={}, runtime_info={}, resumed_keys={}),
    )


def contents(folder: Path) -> dict[str, str]:
    """Checksums of all files, less what a Runner logs."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file() and not _is_log(path)
    }


def _is_log(path: Path) -> bool:
    return (
        path.suffix == '.log'
        or path.parent.name == 'vis_data'
        or (path.parent.name == 'out' and path.suffix == '.py')
    )


def exit_code(tool):
    """Run a tool as its script does; its exit code."""
    main = tiny_run.load_tool(tool).main
    try:
        main() if tool in WHOLE else run_main(main)
    except SystemExit as stop:
        return stop.code
    return None
