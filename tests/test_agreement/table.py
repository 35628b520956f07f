# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a row of the table is, and the tiny runs that rows are made of."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tiny_run
from mmengine.config import Config
from PIL import Image

CLASSES = ('ant', 'bee', 'cat')


@dataclass(frozen=True)
class Row:
    """A run that someone starts, and what becomes of it.

    Attributes:
        name (str): Id of the test.
        make (Callable): Writes into an empty folder, which is the current
            one, what the run needs, and returns the arguments of the tool.
        says (tuple[str, ...]): What the message of the refusal holds: both
            sides and the way out. Empty for a run that may start.
        notes (tuple[str, ...]): What the one line holds that is said of a run
            that may start. Without any, there is none.
        tool (str): The tool. Defaults to 'train'.
        det (bool): Whether it needs mmdet. Defaults to False.
        check (Callable, optional): Further judges a run that may start, by
            its :class:`~aemim_mm.agreement.Run`. Defaults to None.
    """

    name: str
    make: Callable[[Path], list[str]]
    says: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tool: str = 'train'
    det: bool = False
    check: Callable | None = None


def write_tree(folder: Path, counts: Mapping[str, int]) -> str:
    """Class folders with so many gray images each.

    Args:
        folder (Path): Where.
        counts (Mapping[str, int]): Images by folder name; 0 leaves an empty
            folder.

    Returns:
        str: The path.
    """
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            path = folder / name / f'{index:02d}.png'
            Image.new('RGB', (40, 40), (128, 128, 128)).save(path)
    return str(folder)


def loader(root: str, batch_size: int = 4, **dataset) -> dict:
    """A data loader over class folders."""
    return dict(
        batch_size=batch_size,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='CustomDataset',
            data_root=root,
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='CenterCrop', crop_size=32),
                dict(type='PackInputs'),
            ],
            **dataset,
        ),
    )


def classification(
    folder: Path,
    train: Mapping[str, int] = dict.fromkeys(CLASSES, 8),
    val: Mapping[str, int] = dict.fromkeys(CLASSES, 2),
    num_classes: int = 3,
) -> dict:
    """The config of a healthy classifier: three classes, 2 epochs, 6 x 4."""
    cfg = tiny_run.classify_cfg('')
    cfg['model']['head']['num_classes'] = num_classes
    cfg['model']['data_preprocessor']['num_classes'] = num_classes
    val_root = write_tree(folder / 'val', val)
    cfg.update(
        train_dataloader=loader(write_tree(folder / 'train', train)),
        train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=1),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        val_dataloader=loader(val_root),
        val_cfg=dict(),
        val_evaluator=dict(type='Accuracy', topk=(1,)),
        test_dataloader=loader(val_root),
        default_hooks=dict(
            checkpoint=dict(type='AtomicCheckpointHook', interval=1)
        ),
    )
    return cfg


def pretraining(folder: Path, images: int = 24) -> dict:
    """The config of healthy pre-training: 2 epochs of 6 x 4 images."""
    root = write_tree(folder / 'images', {'all': images})
    return tiny_run.pretrain_cfg(root, tiny_run.mae())


def changed(cfg: dict, changes: Mapping[str, object]) -> dict:
    """A config with other values at dotted keys.

    Args:
        cfg (dict): The config.
        changes (Mapping[str, object]): New values by dotted key.

    Returns:
        dict: The config.
    """
    config = Config(cfg)
    config.merge_from_dict(copy.deepcopy(dict(changes)))
    return config.to_dict()


def argv(folder: Path, cfg: Mapping, *options: str) -> list[str]:
    """Arguments of a tool for a config, which is written to a file."""
    path = folder / 'tiny.py'
    path.write_text(tiny_run.text_of(cfg))
    return [str(path), *options]


def files(folder: Path) -> Sequence[str]:
    """Everything under a folder, with sizes."""
    return sorted(
        f'{path.relative_to(folder)} {path.stat().st_size}'
        for path in folder.rglob('*')
    )
