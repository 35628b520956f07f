# Copyright (c) aemim_mm contributors. All rights reserved.
"""Checkpoints, by every road on which a tool reads one."""

import io
import json
import struct
import zipfile
from pathlib import Path

import torch
from evil_files import Evil
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from mmpretrain.registry import MODELS
from test_bad_inputs.table import (
    Row,
    checkpoint,
    classification,
    earlier,
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
    changes = {
        # MAEViT does not keep all of what it loads.
        'model.backbone.type': 'DualNormViT',
        'model.backbone.init_cfg': init,
    }
    return [pretraining(folder, changes), '--work-dir', 'out']


def resume(folder, file):
    config = pretraining(folder, {'train_cfg.max_epochs': 2})
    return [config, '--work-dir', 'out', '--resume', file]


def tested(folder, file):
    return [classification(folder), file, '--work-dir', 'out']


def export(folder, file):
    out = earlier(folder, 'encoder.pth')
    return [file, out, '--to', 'mmpretrain', '--force']


def import_(folder, file):
    out = earlier(folder, 'imported.pth')
    return [file, out, '--from', 'mmpretrain', '--force']


def extract(folder, file):
    images = write_images(folder / 'images', 2)
    out = earlier(folder, 'features.npz')
    return [file, images, '--out', out, '--force', '--workers', 0]


def visualize(folder, file):
    out = earlier(folder, 'p.png')
    return [pretraining(folder), file, '--num-images', 1, '--out', out]


def evaluate(folder, file):
    Path('classes.txt').write_text('a\nb\n')
    images = ('--imagenet', 'images', '--classes', 'classes.txt')
    suite = ('--suite', 'imagenet', '--num-workers', 0)
    return [classification(folder), file, *suite, *images, '--out', 'r']


ROADS = {
    'load_from': ('train', train_from('load_from')),
    'resume': ('train', resume),
    'init_cfg': ('train', init_cfg),
    'test': ('test', tested),
    'export': ('export_backbone', export),
    'import': ('import_checkpoint', import_),
    'extract': ('extract_features', extract),
    'visualize': ('visualize_reconstruction', visualize),
    'evaluate': ('evaluate_robustness', evaluate),
}


@MODELS.register_module()
class Reading(BaseModule):
    """A part that loads weights when it is built, as CLIP's tokenizer."""

    def __init__(self, file):
        super().__init__()
        CheckpointLoader.load_checkpoint(file)


def by_a_part(road):
    """A part of the model loads the file."""

    def arrange(folder):
        Path('a.pth').write_bytes(code())
        kind = 'classifier' if road in (tested, evaluate) else 'mae'
        torch.save(checkpoint(kind), 'good.pth')
        config, *others = road(folder, 'good.pth')
        part = dict(type='Reading', file='a.pth')
        path = Path(config)
        text = path.read_text() + f'\nmodel["backbone"] = {part!r}\n'
        path.write_text(text)
        return [config, *others]

    return arrange


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def code():
    return saved(dict(a=Evil('executed')))


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('archive/version', '3')
    return buffer.getvalue()


def header():
    entry = dict(dtype='F32', shape=[9], data_offsets=[0])
    text = json.dumps(dict(a=entry)).encode()
    return struct.pack('<Q', len(text)) + text


# Names of files that cannot be read, what makes them, what is said of them.
UNREADABLE = {
    'empty': ('a.pth', lambda: b'', '0 bytes'),
    'truncated': (
        'a.pth',
        lambda: saved(checkpoint())[:5000],
        'most often it is truncated',
    ),
    'text': ('a.pth', lambda: b'weights', 'could not be read'),
    'a zip file': ('a.pth', archive, 'data.pkl'),
    'code': ('a.pth', code, 'posix.mkdir'),
    'a damaged header': ('a.safetensors', header, 'invalid JSON in header'),
}
# No files at all.
NOT_THERE = {
    'a folder': lambda: Path('a.pth').mkdir(),
    'a broken link': lambda: Path('a.pth').symlink_to('nowhere'),
}
# All roads lead to the same reader: each takes a few of these files.
FEW = ('resume', 'init_cfg', 'extract', 'visualize')


def of_bytes(road, name, make):
    def arrange(folder):
        Path(name).write_bytes(make())
        return road(folder, name)

    return arrange


def of_place(road, make):
    def arrange(folder):
        make()
        return road(folder, 'a.pth')

    return arrange


def of_content(road, content):
    def arrange(folder):
        kind = 'classifier' if road in (tested, evaluate) else 'mae'
        torch.save(content(kind), 'a.pth')
        return road(folder, 'a.pth')

    return arrange


def state(change):
    """A checkpoint whose weights are changed."""
    return lambda kind: checkpoint(kind, change(weights(kind)))


def prefixed(prefix):
    return lambda weights: {f'{prefix}{k}': v for k, v in weights.items()}


def half(weights):
    return {key: value.half() for key, value in weights.items()}


def filled(value):
    """Weights of which one is this number everywhere."""

    def change(weights):
        key = 'backbone.ln1.weight'
        return {**weights, key: torch.full_like(weights[key], value)}

    return change


def lacking(weights):
    return {k: v for k, v in weights.items() if k != 'backbone.ln1.weight'}


def bare(kind):
    """What an optimizer alone leaves."""
    content = checkpoint(kind)
    del content['state_dict']
    return content


# What works, and the roads.
GOOD = {
    'half precision': (state(half), ROADS),
    'module.': (
        state(prefixed('module.')),
        ('load_from', 'init_cfg', 'test', 'export', 'visualize'),
    ),
    '_orig_mod.': (
        state(prefixed('_orig_mod.')),
        ('resume', 'init_cfg', 'import', 'extract'),
    ),
    'module._orig_mod.': (
        state(prefixed('module._orig_mod.')),
        ('load_from', 'export'),
    ),
}
# What does not, by road: what is said.
LACKS = 'backbone.ln1.weight'
BAD = {
    'NaN': (state(filled(float('nan'))), dict.fromkeys(ROADS, 'NaN or inf')),
    'Inf': (
        state(filled(float('inf'))),
        dict.fromkeys(('resume', 'test', 'export', 'visualize'), 'NaN or inf'),
    ),
    'one key less': (
        state(lacking),
        dict.fromkeys(('load_from', 'resume', 'test'), LACKS)
        | dict.fromkeys(('export', 'import', 'extract'), 'incomplete')
        | dict(init_cfg='ln1.weight'),
    ),
    'another width': (
        lambda kind: checkpoint(kind, weights(kind, 96)),
        dict.fromkeys(
            ('load_from', 'resume', 'init_cfg', 'test', 'visualize'), '96'
        )
        | dict(export='feedforward_channels', extract='feedforward_channels'),
    ),
    'an optimizer alone': (
        bare,
        dict.fromkeys(ROADS, "'meta' is a dict"),
    ),
}
ROWS = [
    Row(f'{kind} by {place}', tool, of_bytes(road, name, make), (name, says))
    for kind, (name, make, says) in UNREADABLE.items()
    for place, (tool, road) in ROADS.items()
    if kind in ('truncated', 'code') or place in FEW
]
ROWS += [
    Row(f'code by a part, {place}', ROADS[place][0], by_a_part(road), says)
    for says in [('a.pth', 'posix.mkdir')]
    for place, (_, road) in ROADS.items()
    if place in ('load_from', 'test', 'visualize', 'evaluate')
]
ROWS += [
    Row(f'{kind} by {place}', tool, of_place(road, make), ('a.pth',))
    for kind, make in NOT_THERE.items()
    for place, (tool, road) in ROADS.items()
]
ROWS += [
    Row(f'{kind} by {place}', ROADS[place][0], of_content(road, content))
    for kind, (content, roads) in GOOD.items()
    for place, (_, road) in ROADS.items()
    if place in roads
]
ROWS += [
    Row(
        f'{kind} by {place}',
        ROADS[place][0],
        of_content(ROADS[place][1], content),
        ('a.pth', says),
    )
    for kind, (content, roads) in BAD.items()
    for place, says in roads.items()
]
