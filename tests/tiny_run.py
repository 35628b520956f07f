# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tiny image folders and configs, and the tools run on them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import toys
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from aemim_mm_cli.user_errors import run_main

ROOT = Path(__file__).parents[1]


def write_images(folder, num=24):
    """Random 40 x 40 pictures, in turn in the classes a and b."""
    rng = np.random.default_rng(0)
    for index in range(num):
        path = folder / 'ab'[index % 2] / f'{index:02d}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return str(folder)


def pretrain_cfg(data_root, model, **options):
    """Epoch-based pre-training: 6 iterations of 4 images per epoch."""
    cfg = dict(
        default_scope='mmpretrain',
        custom_imports=dict(imports=['aemim_mm']),
        model=model,
        train_dataloader=dict(
            batch_size=4,
            num_workers=2,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=dict(
                type='CustomDataset',
                data_root=data_root,
                with_label=False,
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='RandomResizedCrop', scale=32),
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='PackInputs'),
                ],
            ),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(
            type='AmpOptimWrapper',
            loss_scale='dynamic',
            optimizer=dict(type='AdamW', lr=1e-2),
        ),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=1),
        ),
        custom_hooks=[
            dict(type='EpochSeedHook'),
            dict(type='RecipeInfoHook'),
        ],
        log_processor=dict(window_size=1),
        randomness=dict(seed=3, diff_rank_seed=True),
        auto_scale_lr=dict(base_batch_size=16),
    )
    cfg.update(options)
    return cfg


def train_once(cfg, work_dir, **options):
    """One epoch in this process; the checkpoint."""
    cfg = dict(cfg, work_dir=str(work_dir))
    cfg['train_dataloader'].update(
        num_workers=0, collate_fn=dict(type='default_collate')
    )
    cfg['train_cfg'] = dict(by_epoch=True, max_epochs=1)
    del cfg['auto_scale_lr']
    Runner.from_cfg(Config(cfg | options)).train()
    return work_dir / 'epoch_1.pth'


def mae(**options):
    return dict(type='MAE', **toys.mae_cfg(), **options)


def aemim(**options):
    return dict(
        type='AEMIMAlgorithm',
        method='MAE',
        attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=2),
        adapters=('norm',),
        adv_ratio=0.5,
        **toys.mae_cfg(),
        **options,
    )


def classify_cfg(data_root):
    """A config for tools/test.py: two classes, all images."""
    return dict(
        default_scope='mmpretrain',
        custom_imports=dict(imports=['aemim_mm']),
        model=dict(
            type='ImageClassifier',
            backbone=dict(
                type='VisionTransformer',
                arch=dict(toys.ARCH),
                img_size=32,
                patch_size=8,
            ),
            head=dict(
                type='VisionTransformerClsHead', num_classes=2, in_channels=32
            ),
            data_preprocessor=dict(
                mean=toys.MEAN, std=toys.STD, num_classes=2
            ),
        ),
        test_dataloader=dict(
            batch_size=4,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(
                type='CustomDataset',
                data_root=data_root,
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='CenterCrop', crop_size=32),
                    dict(type='PackInputs'),
                ],
            ),
        ),
        test_cfg=dict(fp16=True),
        test_evaluator=dict(type='Accuracy', topk=(1,)),
    )


def text_of(cfg):
    """A config as Python, without mmengine's formatter, which is slow."""
    return ''.join(
        f'{key} = {value!r}\n'
        for key, value in Config(dict(cfg)).to_dict().items()
    )


def write_config(path, cfg):
    Config(cfg).dump(str(path))
    return str(path)


def environment(*python_path, **variables):
    """Environment of a tool's process: one thread, no accelerator."""
    paths = [str(ROOT), *map(str, python_path)]
    return {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '-1',
        'PYTHONPATH': os.pathsep.join(paths),
        'PYTHON': sys.executable,
        **variables,
    }


def start(*command, cwd, env):
    """Start a process whose output is kept."""
    return subprocess.Popen(
        [*map(str, command)],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """Wait for a process; (return code, output)."""
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def scalars(work_dir):
    """What was logged: iteration -> values; later runs win."""
    logged = {}
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            values = json.loads(line)
            if 'loss' in values:
                logged[values['step']] = values
    return logged


def load_tool(name):
    """A script of tools/ as a module."""
    path = ROOT / 'tools' / f'{name}.py'
    spec = importlib.util.spec_from_file_location(f'tool_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exit_code(main, *argv):
    """Of a tool's main function, run as the tool runs it."""
    try:
        run_main(lambda: main(*argv), RuntimeError)
    except SystemExit as stop:
        return stop.code or 0


def caller(name, monkeypatch, capsys):
    """A function that runs a tool here: exit status, output and errors."""
    tool = load_tool(name)

    def call(*options):
        monkeypatch.setattr(sys, 'argv', ['tool', *map(str, options)])
        return exit_code(tool.main), *capsys.readouterr()

    return call


def call_tool(monkeypatch, name, *arguments, cwd):
    """Run a tool in this process, as from the command line in ``cwd``."""
    monkeypatch.chdir(cwd)
    monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
    return load_tool(name).main()
