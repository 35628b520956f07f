# Copyright (c) aemim_mm contributors. All rights reserved.
"""Where results go: found out before there are any."""

from pathlib import Path

import torch
from test_bad_inputs.rows_results import evaluate
from test_bad_inputs.table import (
    Row,
    checkpoint,
    classification,
    earlier,
    pretraining,
    write_images,
)


def train(folder, out):
    return [pretraining(folder), '--work-dir', out]


def tested(folder, out):
    torch.save(checkpoint('classifier'), 'a.pth')
    config = classification(folder)
    return [config, 'a.pth', '--work-dir', 'w', '--out', out]


def logged(folder, out):
    torch.save(checkpoint('classifier'), 'a.pth')
    return [classification(folder), 'a.pth', '--work-dir', out]


def export(folder, out):
    torch.save(checkpoint(), 'a.pth')
    return ['a.pth', out, '--to', 'mmpretrain', '--force']


def import_(folder, out):
    torch.save(checkpoint(), 'a.pth')
    return ['a.pth', out, '--from', 'mmpretrain', '--force']


def extract(folder, out):
    torch.save(checkpoint(), 'a.pth')
    images = write_images(folder / 'images', 2)
    return ['a.pth', images, '--out', out, '--force', '--workers', 0]


def draw_features(folder, out):
    return [*extract(folder, 'f.npz'), '--plot', out]


def visualize(folder, out):
    torch.save(checkpoint(), 'a.pth')
    return [pretraining(folder), 'a.pth', '--num-images', 1, '--out', out]


def evaluated(folder, out):
    return evaluate(out=out)(folder)


def plot(folder, out):
    logs = Path('w/20260101_000000/vis_data')
    logs.mkdir(parents=True)
    line = '{"loss": 1.0, "epoch": 1, "iter": 1, "step": 1}\n'
    (logs / 'scalars.json').write_text(line)
    return ['w', '--out', out]


def corrupt(folder, out):
    images = write_images(folder / 'images', 2)
    return [images, out, '--severities', 1, '--corruptions', 'contrast']


def measure(folder, out):
    return ['--rounds', 1, '--json', out]


# By tool and ending: what writes files, and what fills folders.
FILES = {
    ('test', '.pkl'): tested,
    ('export_backbone', '.pth'): export,
    ('import_checkpoint', '.safetensors'): import_,
    ('extract_features', '.npz'): extract,
    ('extract_features', '.png'): draw_features,
    ('visualize_reconstruction', '.png'): visualize,
    ('plot_losses', '.png'): plot,
    ('benchmark_host', '.json'): measure,
}
FOLDERS = {
    'train': train,
    'test': logged,
    'evaluate_robustness': evaluated,
    'make_corruptions': corrupt,
}


def to(road, out):
    """Write to a place below an ordinary file, say."""

    def arrange(folder):
        earlier(folder, 'file')
        if out.startswith('folder'):
            Path(out).mkdir()
        return road(folder, out)

    return arrange


ROWS = [
    Row(f'{tool} to {out}{end}', tool, to(road, f'{out}{end}'), (said,))
    for (tool, end), road in FILES.items()
    for out, said in (
        ('out/file/x', 'out/file'),
        ('folder', 'folder'),
        ('/proc/x', '/proc'),
    )
]
ROWS += [
    Row(f'{tool} to {out}', tool, to(road, out), (out,))
    for tool, road in FOLDERS.items()
    for out in ('out/file', 'out/file/x', '/proc/x')
]
ROWS += [
    Row(
        f'{tool} to /dev/full',
        tool,
        to(road, '/dev/full'),
        ('/dev/full is no ordinary file',),
    )
    for tool, road in (('visualize_reconstruction', visualize),)
]
# Less than each of these files has.
ROWS += [
    Row(
        f'{tool} to a full disk, {end}',
        tool,
        to(FILES[tool, end], f'out/x{end}'),
        ('File too large',),
        room=4000,
    )
    for tool, end in (
        ('export_backbone', '.pth'),
        ('import_checkpoint', '.safetensors'),
        ('plot_losses', '.png'),
        ('visualize_reconstruction', '.png'),
    )
]
ROWS += [
    Row(
        'a picture of no kind',
        'visualize_reconstruction',
        to(visualize, 'x.xyz'),
        ("x.xyz cannot be written: Format 'xyz'",),
    )
]
