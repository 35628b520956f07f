# Copyright (c) aemim_mm contributors. All rights reserved.
"""The robustness suite and the tables, killed and called again."""

import itertools
import os
import re
import signal
import time

import numpy as np
import robustness_toys as toys
from fashion_mnist_files import write_fashion_mnist
from test_tools.test_reproduce import on_stand_in

from . import processes

SUITE = ('imagenet', 'v2', 'c', 'pgd')
CORRUPTIONS = ('frost', 'fog', 'contrast', 'pixelate')


class Robustness:
    """A tiny classifier and tiny trees of images."""

    def __init__(self, folder):
        self.folder = folder
        self.data = toys.write_data(folder / 'data')
        self.files = toys.write_model(folder / 'model', toys.build())
        begin = time.monotonic()
        code = processes.wait(self.start(folder / 'whole'))
        assert code == 0, f'the uninterrupted run ended with {code}'
        self.seconds = time.monotonic() - begin
        self.expected = self.results(folder / 'whole')

    def start(self, out):
        return processes.start_tool(
            'evaluate_robustness',
            *(*self.files, '--data-root', self.data, '--out', out),
            *('--suite', *SUITE, '--corruptions', *CORRUPTIONS),
            *('--epsilons', 1, '--num-workers', 0, '--batch-size', 6),
            log=out.with_name(f'{out.name}.log'),
        )

    def results(self, out):
        """All of a folder but its times: results, and names of files."""
        found = {
            path.relative_to(out).as_posix()
            for path in out.rglob('*')
            if path.is_file()
        }
        content = _without_times(toys.read_json(out / 'results.json'))
        with np.load(out / 'per_image.npz') as arrays:
            images = {name: v.tolist() for name, v in arrays.items()}
        return found, content, images


def kill_robustness(runs, out, rng):
    """Kill -9 at a random moment; finished cells are not made again."""
    process = runs.start(out)
    moment = rng.uniform(0, runs.seconds)
    time.sleep(moment)
    os.kill(process.pid, signal.SIGKILL)
    killed = processes.wait(process)
    before = _times(out / 'cells', '*.json')
    code = processes.wait(runs.start(out))
    assert code == 0, f'the second call ended with {code}'
    for name, found, expected in zip(
        ('files', 'results', 'images'),
        runs.results(out),
        runs.expected,
        strict=True,
    ):
        assert found == expected, f'{name} differ'
    after = _times(out / 'cells', '*.json')
    again = [p.name for p, t in before.items() if after[p] != t]
    assert not again, f'made again: {again}'
    return processes.require_hurt(killed, f'{moment:.1f} s')


class Reproduction:
    """One row of a table, on a stand-in for Fashion-MNIST."""

    def __init__(self, folder):
        self.folder = folder
        self.turns = itertools.count()
        write_fashion_mnist(folder / 'images', train=128, test=40)
        begin = time.monotonic()
        code = processes.wait(self.start(folder / 'whole'))
        assert code == 0, f'the uninterrupted call ended with {code}'
        self.seconds = time.monotonic() - begin
        self.expected = self.results(folder / 'whole')

    def start(self, out):
        from aemim_mm.reproduction import manifest

        root, read = str(self.folder / 'images'), manifest.read_preset

        def prepare():
            # In the new process alone.
            manifest.read_preset = lambda name: on_stand_in(read(name), root)

        return processes.start_tool(
            'reproduce',
            *('table4', '--preset', 'smoke', '--rows', 'mae-vit-s'),
            *('--out', out),
            log=out.with_name(f'{out.name}.log'),
            prepare=prepare,
        )

    def results(self, out):
        """All of a folder but times: files, values of the tables, weights."""
        paths = [p.relative_to(out).as_posix() for p in out.rglob('*.*')]
        files = {
            # The checksum of a cell depends on the folder.
            re.sub(r'(/cells/.*)-\w{16}', r'\1', path)
            for path in paths
            # Folders of logs are named by the time.
            if not re.search(r'/\d{8}_\d{6}', path)
        }
        values = [
            (table, row['name'], column, value['measured'])
            for table, found in toys.read_json(out / 'tables.json').items()
            for row in found['rows']
            for column, value in row['values'].items()
            if column != 'RPTT'  # a time
        ]
        weights = {
            path: _weights(out / path)
            for path in paths
            if path.endswith('.pth')
        }
        return files, values, weights


def kill_reproduce(runs, out, rng):
    """Kill -9 of the call, and every other time of its command as well."""
    process = runs.start(out)
    moment = rng.uniform(0, runs.seconds)
    time.sleep(moment)
    with_command = next(runs.turns) % 2 == 0
    if with_command:
        os.killpg(process.pid, signal.SIGKILL)
    else:  # its command goes on
        os.kill(process.pid, signal.SIGKILL)
    killed = processes.wait(process)
    code = processes.wait(runs.start(out))
    assert code == 0, f'the second call ended with {code}'
    for name, found, expected in zip(
        ('files', 'values', 'weights'),
        runs.results(out),
        runs.expected,
        strict=True,
    ):
        assert found == expected, f'{name} differ'
    what = ', with its command' if with_command else ''
    return processes.require_hurt(killed, f'{moment:.1f} s{what}')


def _weights(path):
    from aemim_mm.checkpoints import load_checkpoint_file

    weights = load_checkpoint_file(str(path))['state_dict']
    return {k: v.numpy().tobytes() for k, v in weights.items()}


def _times(folder, pattern):
    return {p: p.stat().st_mtime_ns for p in folder.rglob(pattern)}


def _without_times(value):
    if isinstance(value, dict):
        return {
            k: _without_times(v)
            for k, v in value.items()
            if k not in ('seconds', 'time', 'date')
        }
    return value
