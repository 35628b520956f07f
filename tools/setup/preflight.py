# Copyright (c) aemim_mm contributors. All rights reserved.
"""Name what this machine lacks before anything is installed.

Runs with the system's Python, from 3.6 on (to be able to say that it is too
old), and uses the standard library alone.
"""

import importlib.util
import os
import shutil
import sys
import sysconfig

OLDEST = (3, 10)
NEWEST = (3, 13)
TESTED = '3.11'


def check_python(version):
    """Whether the interpreter is one that the pinned packages support.

    Args:
        version (tuple[int]): The interpreter's ``(major, minor, ...)``.

    Returns:
        str | None: What is wrong and the way out, or None.
    """
    if OLDEST <= tuple(version[:2]) <= NEWEST:
        return None
    found = '.'.join(str(part) for part in version[:2])
    return (
        f'Python {found} is not supported: 3.10 to 3.13 are (tested: '
        f'{TESTED}). Select another one: make PYTHON=python{TESTED} ...'
    )


def check_venv(version):
    """Whether virtual environments with pip can be made.

    Debian and Ubuntu ship ``ensurepip`` in a package of its own.

    Args:
        version (tuple[int]): The interpreter's ``(major, minor, ...)``.

    Returns:
        str | None: What is missing and the way out, or None.
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


def check_compiler():
    """Whether there is the C++ compiler that torch's extension builder calls.

    Returns:
        str | None: What is missing and the way out, or None.
    """
    compiler = os.environ.get('CXX', 'c++')
    if shutil.which(compiler):
        return None
    return (
        f'No C++ compiler ({compiler}): detection needs one, once, to build '
        "mmcv's ops (pre-training, fine-tuning and evaluation do not). On "
        'Debian or Ubuntu: sudo apt-get install g++. Or set CXX.'
    )


def check_headers(version):
    """Whether the headers of this Python are there.

    Args:
        version (tuple[int]): The interpreter's ``(major, minor, ...)``.

    Returns:
        str | None: What is missing and the way out, or None.
    """
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
        compiler (bool): Whether mmcv's ops have to be compiled.

    Returns:
        list[str]: The messages, empty where all is well.
    """
    checks = [check_python(sys.version_info), check_venv(sys.version_info)]
    if compiler:
        checks += [check_compiler(), check_headers(sys.version_info)]
    return [message for message in checks if message]


def main():
    """Print what is missing for the core.

    Returns:
        int: 0 where nothing is missing, else 1.
    """
    problems = find_problems(compiler=False)
    for message in problems:
        print(f'[setup] {message}', file=sys.stderr)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
