# Copyright (c) aemim_mm contributors. All rights reserved.
"""The commands of docs/your_images.md, on 30 images of 3 classes."""

import re
import shlex

import numpy as np
import pytest
import timm
import tiny_run
from PIL import Image
from shard_runs import write_shards
from toys import ARCH

from aemim_mm_cli.__main__ import COMMANDS

PAGE = tiny_run.ROOT / 'docs/your_images.md'
SMALL = {
    'model.backbone.arch': dict(_delete_=True, **ARCH),
    'model.backbone.img_size': 32,
    'model.backbone.patch_size': 8,
    'train_dataloader.dataset.pipeline.1.scale': 32,
    'batch_size': 6,
    'warmup': 1,
    'train_dataloader.num_workers': 0,
    'default_hooks.logger.interval': 1,
}
PRETRAIN = {
    **SMALL,
    'img_size': 32,
    'max_iters': 3,
    'model.neck.patch_size': 8,
    'model.neck.embed_dim': ARCH['embed_dims'],
    'model.neck.decoder_embed_dim': 32,
    'model.neck.decoder_num_heads': 2,
    'model.neck.decoder_depth': 1,
    'model.head.patch_size': 8,
}
LABELLED = {
    'model.backbone.arch': dict(_delete_=True, **ARCH),
    'model.backbone.img_size': 32,
    'model.backbone.patch_size': 8,
    'model.head.in_channels': ARCH['embed_dims'],
    'test_dataloader.dataset.pipeline.1.scale': 32,
    'test_dataloader.dataset.pipeline.2.crop_size': 32,
    'test_dataloader.num_workers': 0,
}
FINETUNE = {
    **SMALL,
    **LABELLED,
    'max_epochs': 2,
    'val_dataloader.dataset.pipeline.1.scale': 32,
    'val_dataloader.dataset.pipeline.2.crop_size': 32,
    'val_dataloader.num_workers': 0,
}


@pytest.fixture
def folders(tmp_path):
    """30 images of 3 classes, told apart by colour; two text files."""
    rng = np.random.default_rng(0)
    for index in range(30):
        name = 'red green blue'.split()[index % 3]
        split = 'train' if index < 21 else 'val'
        path = tmp_path / f'labelled/{split}/{name}/{index}.webp'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 80, (40, 48, 3), dtype=np.uint8)
        pixels[..., index % 3] += 150
        Image.fromarray(pixels).save(path)
    (tmp_path / 'labelled/notes.txt').touch()
    return tmp_path


def commands():
    """The bash blocks of the page."""
    return re.findall(r'```bash\n(.*?)```', PAGE.read_text(), re.S)


def run(command, overrides, folders, monkeypatch):
    """Run a command of the page, small."""
    for old, new in {
        '/photos ': f'{folders}/labelled ',
        'data_root=/photos\n': f'data_root={folders}/labelled\n',
        '/labelled ': f'{folders}/labelled ',
        'iter_20000': 'iter_3',
        'epoch_50': 'epoch_2',
    }.items():
        command = re.sub(rf'(?<![\w.]){re.escape(old)}', new, command)
    program, name, *arguments = shlex.split(command.replace('\\\n', ' '))
    assert program == 'aemim'
    arguments += [f'{key}={value}' for key, value in overrides.items()]
    tool, _ = COMMANDS[name]
    return tiny_run.call_tool(monkeypatch, tool, *arguments, cwd=folders)


def test_four_commands(folders, monkeypatch, capsys):
    pretrain, finetune, evaluate, export, *_ = commands()
    run(pretrain, PRETRAIN, folders, monkeypatch)
    output = capsys.readouterr().out
    assert f'30 images in {folders}/labelled; skipped: 1 .txt' in output
    # 1.5e-4 * 6 / 256
    assert 'learning rate: 3.51562e-06 (scaled to the batch size)' in output
    assert 'schedule: 3 iterations' in output
    work_dir = folders / 'work_dirs/photos'
    assert [*tiny_run.scalars(work_dir)] == [1, 2, 3]
    pictures = list(work_dir.rglob('vis_image/reconstruction_*.png'))
    assert len(pictures) == 1

    run(finetune, FINETUNE, folders, monkeypatch)
    assert 'Checkpoint fits' in capsys.readouterr().out

    run(evaluate, LABELLED, folders, monkeypatch)
    assert 'accuracy/top1' in capsys.readouterr().out

    assert run(export, {}, folders, monkeypatch) == 0
    output = capsys.readouterr().out
    call = re.search(r'load it with: (timm\.create_model.*)', output)[1]
    model = eval(call, dict(timm=timm))
    assert model.num_classes == 3


def test_a_run_goes_on_from_an_export(folders, monkeypatch, capsys):
    """`init` takes a checkpoint, and what the export for mmpretrain writes."""
    command = commands()[0]
    run(command, PRETRAIN, folders, monkeypatch)
    export = tiny_run.call_tool(
        *(monkeypatch, 'export_backbone', 'work_dirs/photos/iter_3.pth'),
        *('encoder.safetensors', '--to', 'mmpretrain'),
        cwd=folders,
    )
    assert export == 0
    for init in ('encoder.safetensors', 'work_dirs/photos/iter_3.pth'):
        capsys.readouterr()
        again = command.replace('work_dirs/photos', 'work_dirs/again')
        options = {**PRETRAIN, 'init': init, 'max_iters': 2}
        run(f'{again.rstrip()} \\\n', options, folders, monkeypatch)
        output = capsys.readouterr().out
        assert f'The run starts from the weights of {init}' in output
        # 5e-5 * 6 / 256
        assert 'learning rate: 1.17188e-06' in output
        for path in (folders / 'work_dirs/again').glob('*.pth'):
            path.unlink()
        (folders / 'work_dirs/again/last_checkpoint').unlink()


def test_features_of_the_page(folders, monkeypatch):
    blocks = commands()
    run(blocks[0], PRETRAIN, folders, monkeypatch)
    (command,) = (b for b in blocks if 'aemim features' in b)
    assert (
        run(command.rstrip() + ' --workers 0', {}, folders, monkeypatch) == 0
    )
    with np.load(folders / 'features.npz') as found:
        assert found['features'].shape == (30, ARCH['embed_dims'])
    assert (folders / 'pca.png').is_file()


def test_shards_and_online_evaluation(folders, monkeypatch, capsys):
    """The page's configs, in one."""
    pytest.importorskip('webdataset')
    shards, hook, _ = re.findall(
        r'```python\n(.*?)```', PAGE.read_text(), re.S
    )
    recipes = tiny_run.ROOT / 'configs/pretrain/your_images'
    text = (
        (shards + hook)
        .replace('./fast', f'{recipes}/fast')
        .replace('/shards', write_shards(folders))
        .replace('{0000..0099}', '{000..004}')
        .replace('num_samples=100000', 'num_samples=15')
        .replace('/labelled', f'{folders}/labelled')
    )
    config = folders / 'shards.py'
    config.write_text(text)
    # one transform less than in the recipe
    options = {k: v for k, v in PRETRAIN.items() if 'scale' not in k}
    options.pop('img_size')
    options.update(
        {
            'model.neck.img_size': 32,
            'model.head.img_size': 32,
            'train_dataloader.dataset.pipeline.0.scale': 32,
            'test_dataloader.dataset.pipeline.1.img_size': 32,
        }
    )
    arguments = [f'{key}={value}' for key, value in options.items()]
    tiny_run.call_tool(
        *(monkeypatch, 'train', config, '--work-dir', 'work_dirs/shards'),
        *('--cfg-options', *arguments),
        cwd=folders,
    )
    output = capsys.readouterr().out
    assert '15 images in wds/photos' in output
    assert 'Features after iteration 0: online/knn' in output
    assert 'Features after iteration 3: online/knn' in output
    assert len(tiny_run.scalars(folders / 'work_dirs/shards')) == 3


def test_options_of_the_page_are_those_of_the_recipes():
    page = PAGE.read_text()
    table = page.partition('| name |')[2].partition('\n\n')[0]
    named = set(re.findall(r'`(\w+)`', table)) - {'train', 'val'}
    shortcuts = set()
    for path in tiny_run.ROOT.glob('configs/*/your_images/*.py'):
        cfg = tiny_run.Config.fromfile(path)
        shortcuts |= set(cfg.shortcuts)
    assert named == shortcuts
