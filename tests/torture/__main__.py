# Copyright (c) aemim_mm contributors. All rights reserved.
"""Kill runs at random moments, let them go on, and compare.

A try holds if the results are those of an uninterrupted run (weights to the
bit), at most one checkpoint interval was lost and no stray file is left. One
that came too late to end the run is counted apart, and made again at another
moment. A call that was interrupted goes on with the tries that are missing.
"""

import argparse
import functools
import hashlib
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import tiny_run
import torch
from tqdm import tqdm

import aemim_mm  # noqa: F401
from aemim_mm.utils.storage import AtomicLocalBackend

from . import evaluation, processes, report, training


def told(number, code):
    return functools.partial(training.tell, number=number, code=code)


ONE = training.Training
TWO = functools.partial(training.Training, number=2)
# Name: what the runs are, what is done to one, how often.
KINDS = {
    'kill': (ONE, training.kill, 20),
    'kill-in-save': (ONE, training.kill_in_save, 6),
    'disk-full': (ONE, training.fill_up, 4),
    'sigterm': (ONE, told(signal.SIGTERM, 143), 5),
    'ctrl-c': (ONE, told(signal.SIGINT, 130), 5),
    'sigusr1': (ONE, told(signal.SIGUSR1, 75), 5),
    'kill-one-of-two': (TWO, training.kill_one_of_two, 10),
    'sigterm-two': (TWO, told(signal.SIGTERM, 143), 2),
    'sigusr1-two': (TWO, told(signal.SIGUSR1, 75), 2),
    'kill-robustness': (
        evaluation.Robustness,
        evaluation.kill_robustness,
        10,
    ),
    'kill-reproduce': (evaluation.Reproduction, evaluation.kill_reproduce, 5),
}


def parse_args(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--only', nargs='+', choices=KINDS, default=list(KINDS), metavar='KIND'
    )
    parser.add_argument('--times', type=int, metavar='N', help='of each kind')
    parser.add_argument('--seed', type=int, default=0, help='of the moments')
    parser.add_argument(
        '--out',
        type=Path,
        default=tiny_run.ROOT / 'work_dirs/torture',
        help='folder of the runs and of summary.json',
    )
    parser.add_argument(
        '--page',
        type=Path,
        help='put the table into this page, such as docs/robust_runs.md',
    )
    return parser.parse_args(argv)


def code_digest():
    """Of all code that runs: results of other code do not count."""
    digest = hashlib.sha256()
    for folder in ('aemim_mm', 'aemim_mm_cli', 'tools', 'tests/torture'):
        for path in sorted((tiny_run.ROOT / folder).rglob('*.[ps][yh]')):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def read_tries(summary, code):
    """Kind -> name -> result, of this code."""
    if not summary.is_file():
        return {}
    stored = json.loads(summary.read_text())
    if stored['code'] != code:
        print(f'{summary} is of other code: all is tried anew')
        return {}
    return {kind: entry['tries'] for kind, entry in stored['kinds'].items()}


def write_tries(tries, summary, code):
    kinds = {
        kind: dict(report.counts(results), tries=results)
        for kind, results in tries.items()
    }
    text = json.dumps(dict(code=code, kinds=kinds), indent=2)
    AtomicLocalBackend().put_text(f'{text}\n', summary)


def next_try(first, results):
    """The name of the next try; None if one that came in time is there."""
    for name in (first, *(f'{first}-{again}' for again in range(1, 6))):
        if name not in results:
            return name
        if 'late' not in results[name]:
            return None
    return None


def attempt(hurt, runs, name):
    """One try: when it was hurt, how long it took, and why it failed."""
    place = runs.folder / name
    begin = time.monotonic()
    result = {}
    try:
        result['at'] = hurt(runs, place, random.Random(name))
    except processes.TooLate as late:
        result['late'] = str(late)
    except Exception as error:
        result['failed'] = f'{type(error).__name__}: {error}'
        tqdm.write(f'{name}: {result["failed"]}; see {place}')
    if 'failed' not in result:
        shutil.rmtree(place, ignore_errors=True)
        place.with_name(f'{name}.log').unlink(missing_ok=True)
    return dict(result, seconds=round(time.monotonic() - begin, 1))


def main():
    args = parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    summary = out / 'summary.json'
    code = code_digest()
    tries = read_tries(summary, code)
    for kind in args.only:
        tries.setdefault(kind, {})
    missing = [
        (kind, f'{kind}-{args.seed}-{number}')
        for kind in args.only
        for number in range(args.times or KINDS[kind][2])
        if next_try(f'{kind}-{args.seed}-{number}', tries[kind])
    ]
    # What uninterrupted runs give, once for the kinds that share it.
    worlds = {}
    for kind, first in (bar := tqdm(missing, unit='try')):
        bar.set_postfix_str(kind)
        make, hurt, _ = KINDS[kind]
        if make not in worlds:
            worlds[make] = make(Path(tempfile.mkdtemp('', f'{kind}-', out)))
        while name := next_try(first, tries[kind]):
            tries[kind][name] = attempt(hurt, worlds[make], name)
            write_tries(tries, summary, code)
    for runs in worlds.values():
        if not list(runs.folder.glob('*-*.log')):  # of tries that failed
            shutil.rmtree(runs.folder, ignore_errors=True)
    tries = {kind: tries[kind] for kind in KINDS if kind in tries}
    print(report.write_table(tries, args.page))
    return int(
        any(
            report.counts(tries[kind])['held'] < (args.times or KINDS[kind][2])
            for kind in args.only
        )
    )


if __name__ == '__main__':
    sys.exit(main())
