# Copyright (c) aemim_mm contributors. All rights reserved.
"""Images, by every road on which a tool reads one."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from test_bad_inputs.table import (
    Row,
    checkpoint,
    classification,
    image_files,
    pretraining,
    write_images,
)


def encoded(kind, mode='RGB', size=40, **options):
    """A picture as the bytes of a file."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3))
    picture = Image.fromarray(pixels.astype(np.uint8)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def animated():
    frames = [Image.new('RGB', (40, 40), c) for c in ('red', 'blue')]
    buffer = io.BytesIO()
    frames[0].save(buffer, 'GIF', save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def deep():
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 40), 40000, np.uint16)).save(buffer, 'PNG')
    return buffer.getvalue()


def chunk(name, content):
    checksum = struct.pack('>I', zlib.crc32(name + content))
    return struct.pack('>I', len(content)) + name + content + checksum


def bomb():
    """A PNG that says it has 60000 x 60000 pixels."""
    size = struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0)
    parts = (b'IHDR', size), (b'IDAT', zlib.compress(bytes(9))), (b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + b''.join(chunk(*part) for part in parts)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'
BAD = {
    'empty': ('x.png', lambda: b'', 'the file is empty'),
    'truncated': (
        'x.jpg',
        lambda: encoded('JPEG', quality=95)[:-800],
        'runcated',
    ),
    'a text': ('x.jpg', lambda: b'no image', 'not an image'),
    'SVG': ('x.png', lambda: SVG, 'not an image'),
    'a bomb': ('x.png', bomb, 'CV_IO_MAX_IMAGE_PIXELS'),
}
GOOD = {
    'a wrong ending': ('x.png', lambda: encoded('JPEG')),
    'CMYK': ('x.jpg', lambda: encoded('JPEG', 'CMYK')),
    'animated': ('x.gif', animated),
    '16 bit': ('x.png', deep),
    'one pixel': ('x.png', lambda: encoded('PNG', size=1)),
    'transparent': ('x.png', lambda: encoded('PNG', 'RGBA')),
    'a palette': ('x.png', lambda: encoded('PNG', 'P')),
    'grey': ('x.png', lambda: encoded('PNG', 'L')),
}


def train(folder, path):
    config = pretraining(folder, image_files('images'))
    return [config, '--work-dir', 'out']


def extract(folder, path):
    torch.save(checkpoint(), 'a.pth')
    write_images(folder / 'images', 2)
    return ['a.pth', 'images', '--out', 'f.npz', '--workers', 0]


def visualize(folder, path):
    torch.save(checkpoint(), 'a.pth')
    return [pretraining(folder), 'a.pth', path, '--out', 'p.png']


def evaluate(folder, path):
    torch.save(checkpoint('classifier'), 'a.pth')
    Path('classes.txt').write_text('a\nb\n')
    return [
        *(classification(folder), 'a.pth', '--out', 'r', '--num-workers', 0),
        *('--classes', 'classes.txt', '--imagenet', 'images'),
        *('--suite', 'imagenet'),
    ]


ROADS = {
    'train': ('train', train),
    'extract': ('extract_features', extract),
    'visualize': ('visualize_reconstruction', visualize),
    'evaluate': ('evaluate_robustness', evaluate),
}
# Another image takes its place, or it is left out: the log names it.
GO_ON = ('train', 'extract')


def put(road, name, make):
    """Put an image among others."""

    def arrange(folder):
        path = folder / 'images' / 'a' / name
        path.parent.mkdir(parents=True)
        path.write_bytes(make())
        return road(folder, path)

    return arrange


ROWS = [
    Row(
        f'{kind} image by {place}',
        tool,
        put(road, name, make),
        (f'{name} is unreadable', says) * (place not in GO_ON),
        (name, says) * (place in GO_ON),
    )
    for kind, (name, make, says) in BAD.items()
    for place, (tool, road) in ROADS.items()
]
ROWS += [
    Row(f'{kind} image by {place}', tool, put(road, name, make))
    for kind, (name, make) in GOOD.items()
    for place, (tool, road) in ROADS.items()
    if place != 'train' or kind in ('CMYK', '16 bit')
]
