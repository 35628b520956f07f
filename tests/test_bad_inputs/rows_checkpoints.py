# Copyright (c) aemim_mm contributors. All rights reserved.
"""Checkpoints, by every road on which a tool reads one."""

import io
import json
import os
import struct
import zipfile
from pathlib import Path

import torch
from test_bad_inputs.table import (
    Row,
    checkpoint,
    classification,
    pretraining,
    weights,
    write_images,
)


def train_from(key):
    """Train with a key of the config that names the file."""

    def road(folder, file):
        config = pretraining(folder)
        options = ['--cfg-options', f'{key}={file}']
        return [config, '--work-dir', 'out', *options]

    return road


def init_cfg(folder, file):
    init = dict(type='Pretrained', checkpoint=file, prefix='backbone.')
    changes = {'model.backbone.init_cfg': init}
    return [pretraining(folder, changes), '--work-dir', 'out']


def resume(folder, file):
    return [pretraining(folder), '--work-dir', 'out', '--resume', file]


def test(folder, file):
    return [classification(folder), file, '--work-dir', 'out']


def export(folder, file):
    out = earlier(folder, 'encoder.pth')
    return [file, out, '--to', 'mmpretrain', '--force']


def import_(folder, file):
    out = earlier(folder, 'imported.pth')
    return [file, out, '--from', 'timm', '--force']


def extract(folder, file):
    images = write_images(folder / 'images', 2)
    out = earlier(folder, 'features.npz')
    return [file, images, '--out', out, '--force', '--workers', 0]


def visualize(folder, file):
    config = pretraining(folder)
    return [config, file, '--num-images', 1, '--out', earlier(folder, 'p.png')]


def earlier(folder, name):
    """An earlier result."""
    (folder / 'out').mkdir()
    (folder / 'out' / name).write_bytes(b'earlier')
    return f'out/{name}'


ROADS = {
    'load_from': ('train', train_from('load_from')),
    'resume': ('train', resume),
    'init_cfg': ('train', init_cfg),
    'test': ('test', test),
    'export': ('export_backbone', export),
    'import': ('import_checkpoint', import_),
    'extract': ('extract_features', extract),
    'visualize': ('visualize_reconstruction', visualize),
}


class Bomb:
    def __reduce__(self):
        return os.mkdir, ('executed',)


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('archive/version', '3')
    return buffer.getvalue()


def header(content):
    text = json.dumps(content).encode()
    return struct.pack('<Q', len(text)) + text


# Files that cannot be read, and what is said of them.
UNREADABLE = {
    'empty': ('a.pth', lambda: b'', '0 bytes'),
    'truncated': (
        'a.pth',
        lambda: saved(checkpoint())[:5000],
        'could not be read as a checkpoint',
    ),
    'text': ('a.pth', lambda: b'weights', 'could not be read'),
    'zip': ('a.pth', archive, 'could not be read'),
    'bomb': ('a.pth', lambda: saved(dict(a=Bomb())), 'is refused'),
    'damaged header': (
        'a.safetensors',
        lambda: header(dict(a=dict(dtype='F32', shape=[9], data_offsets=[0]))),
        'could not be read',
    ),
    'directory': ('a.pth', None, 'a.pth'),
    'broken link': ('a.pth', None, 'a.pth'),
}


def of_file(road, name, make):
    def arrange(folder):
        path = Path(name)
        if make is not None:
            path.write_bytes(make())
        return road(folder, name)

    return arrange


def of_directory(road):
    def arrange(folder):
        Path('a.pth').mkdir()
        return road(folder, 'a.pth')

    return arrange


def of_link(road):
    def arrange(folder):
        Path('a.pth').symlink_to('nowhere')
        return road(folder, 'a.pth')

    return arrange


ROWS = []
for kind, (name, make, says) in UNREADABLE.items():
    for place, (tool, road) in ROADS.items():
        arrange = of_file(road, name, make)
        if kind == 'directory':
            arrange = of_directory(road)
        if kind == 'broken link':
            arrange = of_link(road)
        ROWS.append(Row(f'{kind} by {place}', tool, arrange, (name, says)))

# Files that can be read.
def prefixed(prefix):
    return lambda state: {f'{prefix}{k}': v for k, v in state.items()}

def half(state):
    return {k: v.half() for k, v in state.items()}

def filled(value):
    def change(state):
        state['backbone.ln1.weight'] = torch.full_like(state['backbone.ln1.weight'], value)
        return state
    return change

def lacks(state):
    state.pop('backbone.ln1.weight')
    return state

def huge(state):
    state['backbone.ln1.weight'] = torch.zeros(1).expand(10**12)
    return state

CHANGES = {
    'half': half, 'module': prefixed('module.'), 'orig': prefixed('_orig_mod.'),
    'nan': filled(float('nan')), 'inf': filled(float('inf')), 'lacks': lacks, 'huge': huge,
    'wide': None, 'optimizer': None,
}
def of_change(road, place, change, kind):
    def arrange(folder):
        which = 'classifier' if place in ('test',) else 'mae'
        if kind == 'wide':
            content = checkpoint(which, weights(which, 96))
        elif kind == 'optimizer':
            content = checkpoint(which); content.pop('state_dict')
        else:
            content = checkpoint(which, change(weights(which)))
        torch.save(content, 'a.pth')
        return road(folder, 'a.pth')
    return arrange
for kind, change in CHANGES.items():
    for place, (tool, road) in ROADS.items():
        ROWS.append(Row(f'{kind} by {place}', tool, of_change(road, place, change, kind), ('?',)))
