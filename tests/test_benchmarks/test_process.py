# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import subprocess
import sys

import pytest

from benchmarks.process import (
    KEEP_MEMORY,
    machine,
)

SCRIPT = """
import os
from benchmarks.process import keep_memory
keep_memory()
import sys
print(os.environ['MALLOC_MMAP_MAX_'], *sys.argv[1:])
"""


@pytest.mark.slow
def test_the_program_starts_anew_with_its_arguments(tmp_path):
    path = tmp_path / 'script.py'
    path.write_text(SCRIPT)
    env = {k: v for k, v in os.environ.items() if k not in KEEP_MEMORY}
    env.update(CUDA_VISIBLE_DEVICES='-1', PYTHONPATH=os.getcwd())
    done = subprocess.run(
        [sys.executable, path, 'a', '--b=1'],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == '0 a --b=1', done.stderr


def test_machine():
    assert ', torch ' in machine()
