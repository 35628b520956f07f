# Copyright (c) aemim_mm contributors. All rights reserved.
"""The environment ``.venv`` of this clone: make it, run and install in it.

Standard library alone.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / '.venv'
PYTHON = VENV / 'bin' / 'python'


def run(*command: object) -> str:
    """Run a command in the clone; its errors stay visible.

    Args:
        command (object): The command's words.

    Returns:
        str: What it wrote to stdout.

    Raises:
        subprocess.CalledProcessError: If it failed.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def pip_install(*arguments: object) -> None:
    """Install into the environment, quietly; see :func:`run`."""
    options = ['-qq', '--no-input', '--disable-pip-version-check']
    run(PYTHON, '-m', 'pip', 'install', *options, *arguments)


def make_venv() -> str:
    """Make the environment where there is none that works.

    Returns:
        str: Its Python version, such as ``'3.11'``.

    Raises:
        RuntimeError: If it was made with another version than the Python
            that runs this.
    """
    wanted = '.'.join(str(part) for part in sys.version_info[:2])
    probe = 'import sys; print("%d.%d" % sys.version_info[:2])'
    try:
        version = run(PYTHON, '-c', probe).strip()
    except (OSError, subprocess.CalledProcessError):
        print(f'[setup] making {VENV} with Python {wanted}', flush=True)
        run(sys.executable, '-m', 'venv', '--clear', VENV)
        return wanted
    if version != wanted:
        raise RuntimeError(
            f'{VENV} holds Python {version}, this is Python {wanted}; remove '
            'it with `make clean` to make it anew'
        )
    # An interruption, or another tool, can leave an environment without pip.
    if not any(VENV.glob('lib/python*/site-packages/pip')):
        run(PYTHON, '-m', 'ensurepip')
    return version
