# Copyright (c) aemim_mm contributors. All rights reserved.
"""Name what this machine lacks before anything is installed.

Runs with the system's Python, from 3.6 on (to be able to say that it is too
old), and uses the standard library alone.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig

VENV = os.path.abspath(os.path.join(__file__, '../../../.venv'))
OLDEST = (3, 11)
NEWEST = (3, 13)
TESTED = '3.11'


def check_python(version):
    """Whether the pinned packages support ``version``, (major, minor, ...)."""
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return None
    found = '.'.join(str(part) for part in version[:2])
    return (
        f'Python {found} is not supported: 3.11 to 3.13 are (tested: '
        f'{TESTED}). Select another one: make PYTHON=python{TESTED} ...'
    )


def check_venv(version):
    """Whether virtual environments with pip can be made.

    Debian and Ubuntu ship ``ensurepip`` in a package of its own.
    """
    modules = ('venv', 'ensurepip')
    missing = [name for name in modules if not importlib.util.find_spec(name)]
    if not missing:
        return None
    package = f'python{version[0]}.{version[1]}-venv'
    return (
        f'This Python lacks {" and ".join(missing)}, so no virtual '
        f'environment can be made. On Debian or Ubuntu: sudo apt-get install '
        f'{package}. Or select another Python: make PYTHON=...'
    )


def check_existing(version, venv=VENV):
    """Whether an environment that is there works, and with this Python."""
    python = os.path.join(venv, 'bin', 'python')
    if not os.path.lexists(python):
        return None
    code = 'import sys; print("Python %d.%d" % sys.version_info[:2])'
    try:
        found = subprocess.check_output([python, '-c', code]).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        found = 'a Python that does not run'
    wanted = f'Python {version[0]}.{version[1]}'
    if found == wanted:
        return None
    return (
        f'{venv} holds {found}, this is {wanted}; remove it with '
        '`make clean` and run the command again'
    )


def check_compiler():
    """Whether there is the C++ compiler that torch's builder calls."""
    compiler = os.environ.get('CXX', 'c++')
    if shutil.which(compiler):
        return None
    return (
        f'No C++ compiler ({compiler}): detection needs one, once, to build '
        "mmcv's ops (pre-training, fine-tuning and evaluation do not). On "
        'Debian or Ubuntu: sudo apt-get install g++. Or set CXX.'
    )


def check_headers(version):
    """Whether the headers of this Python are there."""
    header = os.path.join(sysconfig.get_paths()['include'], 'Python.h')
    if os.path.isfile(header):
        return None
    package = f'python{version[0]}.{version[1]}-dev'
    return (
        f"No {header}: detection needs Python's headers, once, to build "
        f"mmcv's ops. On Debian or Ubuntu: sudo apt-get install {package}. "
        'Or select another Python: make PYTHON=...'
    )


def find_problems(compiler):
    """All that is missing, one message each.

    Args:
        compiler (bool): Whether mmcv's ops are wanted. Where the wheel cache
            holds them, nothing has to be compiled.

    Returns:
        list[str]: The messages, empty where all is well.
    """
    version = sys.version_info
    problem = check_python(version)
    if problem:
        return [problem]
    found = [check_venv(version), check_existing(version)]
    if compiler:
        from mmcv_wheel import is_cached, read_pin

        if not is_cached(read_pin('onedl-mmcv'), read_pin('torch')):
            found += [check_compiler(), check_headers(version)]
    return [message for message in found if message]


if __name__ == '__main__':
    problems = find_problems(compiler='--compiler' in sys.argv)
    for message in problems:
        print(f'[setup] {message}', file=sys.stderr)
    sys.exit(1 if problems else 0)
