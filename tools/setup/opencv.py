# Copyright (c) aemim_mm contributors. All rights reserved.
"""Put the headless OpenCV in the place of the one that needs libGL.

Servers and containers often have no libGL, without which ``import cv2`` of
the ordinary build fails. Both builds fill the same folder, so the ordinary
one has to go first. Standard library alone.
"""

import subprocess
from pathlib import Path

NO_LIBRARY = 'cannot open shared object file'


def import_error(python: Path) -> str:
    """Try to import OpenCV.

    Args:
        python (Path): The environment's interpreter.

    Returns:
        str: The last line of the error, or ``''`` where it works.
    """
    done = subprocess.run(
        [str(python), '-c', 'import cv2'], stderr=subprocess.PIPE
    )
    lines = done.stderr.decode().strip().splitlines() or ['import cv2 failed']
    return lines[-1] if done.returncode else ''


def use_headless_if_needed(python: Path, pins: dict[str, str]) -> bool:
    """Exchange the builds if OpenCV misses a system library.

    Args:
        python (Path): The environment's interpreter.
        pins (dict[str, str]): Version by distribution name.

    Returns:
        bool: Whether the headless build was put in.

    Raises:
        RuntimeError: If OpenCV cannot be imported for another reason, or not
            even the headless build can.
        subprocess.CalledProcessError: If pip failed.
    """
    error = import_error(python)
    if not error:
        return False
    if NO_LIBRARY not in error:
        raise RuntimeError(f'OpenCV cannot be imported: {error}')
    print(
        f'[setup] OpenCV misses a system library ({error}): installing '
        'opencv-python-headless in its place. On Debian or Ubuntu libgl1 '
        'would bring libGL.',
        flush=True,
    )
    headless = 'opencv-python-headless'
    pip = [str(python), '-m', 'pip', '--disable-pip-version-check']
    remove = ['uninstall', '-qq', '--yes', 'opencv-python', headless]
    subprocess.run(pip + remove, check=True)
    add = ['install', '-qq', '--no-deps', f'{headless}=={pins[headless]}']
    subprocess.run(pip + add, check=True)
    error = import_error(python)
    if error:
        raise RuntimeError(f'OpenCV cannot be imported: {error}')
    return True
