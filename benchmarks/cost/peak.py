# Copyright (c) aemim_mm contributors. All rights reserved.
"""Peak memory of training steps, each model in a process of its own.

As a program, ``python -m benchmarks.cost.peak JSON`` with the arguments of
:class:`Trainee` and ``steps``: it prints the peak in bytes.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..trainee import Trainee

STEPS = 2  # in the first one there is no state of the optimizer yet
STATUS = Path('/proc/self/status')
ROOT = Path(__file__).resolve().parents[2]
# Blocks from 1 MiB on go back to the system when they are freed: so the peak
# is that of the tensors, not that of what glibc keeps for later.
ENVIRONMENT = {'MALLOC_MMAP_THRESHOLD_': str(2**20)}


def peak_memory(config: str, batch_size: int, **options: Any) -> int:
    """The most memory that training takes, in a process of its own, in bytes.

    It is what torch's allocator gave out on an accelerator, else the largest
    resident set of the whole process, Python and libraries included. The
    arguments are those of :class:`Trainee`. RuntimeError if the process fails,
    of memory for example.
    """
    path = str(Path(config).resolve())
    arguments = dict(config=path, batch_size=batch_size, **options)
    # What this process can import, from whatever folder it runs in; -m puts
    # the new one's working directory first.
    imports = os.pathsep.join(map(os.path.abspath, sys.path))
    done = subprocess.run(
        [sys.executable, '-m', __spec__.name, json.dumps(arguments)],
        cwd=ROOT,
        env={
            **_without_malloc_settings(),
            **ENVIRONMENT,
            'PYTHONPATH': imports,
        },
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(
            f'measuring the memory of {config} at batch size {batch_size} '
            f'ended with exit status {done.returncode}:\n{done.stderr[-2000:]}'
        )
    return int(done.stdout.splitlines()[-1])


def own_peak(arguments: Mapping[str, Any], steps: int = STEPS) -> int:
    """Train in this process, with arguments of :class:`Trainee`, and look.

    Bytes, as :func:`peak_memory`.
    """
    trainee = Trainee(**arguments)
    for _ in range(steps):
        trainee.step()
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    # Not ru_maxrss, which begins with the size of the parent process.
    found = re.search(r'VmHWM:\s*(\d+) kB', STATUS.read_text())
    return 1024 * int(found[1])


def _without_malloc_settings() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith('MALLOC_')}


if __name__ == '__main__':
    print(own_peak(json.loads(sys.argv[1])))
