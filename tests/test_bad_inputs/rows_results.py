# Copyright (c) aemim_mm contributors. All rights reserved.
"""Labels that the robustness suite reads, and results that it compares."""

import json
import os
from pathlib import Path

import torch
from test_bad_inputs.table import Row, checkpoint, classification

TOOL = 'evaluate_robustness'
PART = dict(top1=50.0, images=10)
RESULTS = dict(model='m', settings={}, data={}, imagenet=PART)


def evaluate(*options, make=lambda: None, classes='a\nb\n', out='r'):
    """Evaluate a classifier of the classes a and b."""

    def arrange(folder):
        torch.save(checkpoint('classifier'), 'a.pth')
        config = classification(folder)
        Path('classes.txt').write_bytes(classes.encode('latin-1'))
        make()
        return [
            *(config, 'a.pth', '--out', out, '--num-workers', 0),
            *('--classes', 'classes.txt', '--imagenet', 'images'),
            *(options or ('--suite', 'imagenet')),
        ]

    return arrange


def published(*options):
    """Evaluate on published data, in folders that WordNet names."""

    def arrange(folder):
        torch.save(checkpoint('classifier'), 'a.pth')
        config = classification(folder)
        for name, wnid in (('a', 'n01440764'), ('b', 'n01443537')):
            os.rename(f'images/{name}', f'images/{wnid}')
        return [config, 'a.pth', '--out', 'r', '--suite', *options]

    return arrange


def attacked(text):
    """Attack the images of a list."""
    attack = ('--suite', 'fgsm', '--epsilons', '1')
    return evaluate(
        *(*attack, '--attack-list', 'list.txt'),
        make=lambda: Path('list.txt').write_text(text),
    )


def compare(second):
    """Compare results with others."""

    def arrange(folder):
        for name, content in (('a', RESULTS), ('b', second)):
            text = content if isinstance(content, str) else json.dumps(content)
            Path(name).mkdir()
            Path(name, 'results.json').write_text(text)
        paths = 'a/results.json', 'b/results.json'
        return ['--compare', *paths, '--out', 'out']

    return arrange


def remove(keep=None):
    """Of the images leave none, or one of each class."""

    def make():
        for path in Path('images').rglob('*.png'):
            if path.name not in (keep or ()):
                path.unlink()

    return make


def rename():
    os.rename(b'images/a/00.png', b'images/a/\xff.png')


CLASSES = {
    'a class too few': ('a\n', 'the folder b holds images'),
    'a class too many': ('a\nb\nc\n', 'classify has 2 classes, but'),
    'other classes': ('x\ny\n', 'the folder a holds images'),
    'a class twice': ('a\na\n', "line 2: 'a' is also on line 1"),
    'no classes': ('', 'classes.txt is empty'),
    'classes that are no text': ('\xff\xfe', 'is no text in UTF-8'),
}
LISTS = {
    'a list of wrong ids': ('x.png 0\n', 'the first is x.png'),
    'a list without labels': ('a/00.png\n', "line 1: 'a/00.png' is not"),
    'a label that is none': ('a/00.png 7\n', 'line 1: label 7, but there'),
    'a label that is no number': ('a/00.png x\n', 'line 1'),
    'a negative label': ('a/00.png -1\n', 'line 1'),
    'an empty list': ('', 'list.txt names no images'),
}
OTHER = dict(RESULTS, model='n')
COMPARED = {
    'nothing': ('', 'is no results.json'),
    'an empty object': ({}, 'has none of the parts'),
    'a list': ([1], 'it holds no object'),
}
ROWS = [
    Row(name, TOOL, evaluate(classes=text), ('classes.txt', says))
    for name, (text, says) in CLASSES.items()
]
ROWS += [
    Row(name, TOOL, attacked(text), ('list.txt' * (says != ''), says))
    for name, (text, says) in LISTS.items()
]
ROWS += [
    Row(f'results: {name}', TOOL, compare(other), ('b/results.json', says))
    for name, (other, says) in COMPARED.items()
]
ROWS += [
    Row('results: good ones', TOOL, compare(OTHER)),
    Row(
        'results: more than all',
        TOOL,
        compare(dict(OTHER, imagenet=dict(PART, top1=300.0))),
        ('300.0 % of 10 images is not valid',),
    ),
    Row(
        'no file of classes',
        TOOL,
        evaluate(make=lambda: os.remove('classes.txt')),
        ('classes.txt',),
    ),
    Row(
        'no data to judge',
        TOOL,
        published('imagenet', 'a', 'c'),
        (
            'ImageNet-1K validation: there is no folder data/imagenet/val.',
            'ImageNet-A: there is no folder data/imagenet-a.',
            'ImageNet-C: there is no folder data/imagenet-c/',
        ),
    ),
    Row(
        'too few images to judge',
        TOOL,
        published('imagenet', '--imagenet', 'images', '--strict'),
        ('images has 8 images instead of 50000',),
    ),
    Row(
        'weights for fewer classes',
        TOOL,
        evaluate(
            *('--suite', 'imagenet'),
            *('--cfg-options', 'model.head.num_classes=9'),
        ),
        ('a.pth does not fit: ',),
    ),
    Row('no images to judge', TOOL, evaluate(make=remove()), ('images',)),
    Row('one image to judge', TOOL, evaluate(make=remove('00.png'))),
    Row('judged names of no encoding', TOOL, evaluate(make=rename)),
    Row(
        'a budget that is no number',
        TOOL,
        evaluate('--suite', 'fgsm', '--epsilons', 'nan'),
        ('epsilons are [nan]', '0 to 255'),
    ),
    Row(
        'images without pixels',
        TOOL,
        evaluate('--suite', 'imagenet', '--input-size', 0),
        ('--input-size must be at least 1',),
    ),
]
