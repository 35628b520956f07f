# Copyright (c) aemim_mm contributors. All rights reserved.
"""Stamps that say which installation phases are done, and are checked.

A stamp lies inside the environment and holds a digest of what was installed.
A phase is done only if its stamp holds today's digest *and* the pinned
distributions are there in their pinned versions. Standard library alone.
"""

import hashlib
import json
import subprocess
from pathlib import Path

# Where libGL is missing the headless OpenCV serves, and alone.
STAND_INS = {'opencv-python': 'opencv-python-headless'}

# Runs in the environment: versions by name, and whether mmcv has its ops.
_QUERY = """
import glob, importlib.metadata, json, os, sys, sysconfig
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
site = sysconfig.get_paths()['platlib']
print(json.dumps([
    {name: version(name) for name in json.loads(sys.argv[1])},
    bool(glob.glob(os.path.join(site, 'mmcv', '_ext*.so')))]))
"""


def read_pins(paths: list[Path]) -> dict[str, str]:
    """Read ``name==version`` lines.

    Args:
        paths (list[Path]): Requirement files.

    Returns:
        dict[str, str]: Version by distribution name.

    Raises:
        ValueError: If a requirement has no exact version.
    """
    pins = {}
    for path in paths:
        for line in path.read_text().splitlines():
            line = line.split('#')[0].strip()
            if not line:
                continue
            name, separator, version = line.partition('==')
            if not separator:
                raise ValueError(
                    f'{path}: {line!r} has no exact version; write '
                    'name==version'
                )
            pins[name] = version
    return pins


def digest(paths: list[Path], *facts: str) -> str:
    """Digest the contents of files and further facts.

    Args:
        paths (list[Path]): Files whose contents count.
        facts (str): Strings that count too, such as the Python version.

    Returns:
        str: A SHA-256 digest in hexadecimal digits.
    """
    summary = [path.read_text() for path in paths] + list(facts)
    return hashlib.sha256(json.dumps(summary).encode()).hexdigest()


def find_missing(python: Path, pins: dict[str, str], ops: bool) -> list[str]:
    """What an environment lacks of the pinned distributions.

    Args:
        python (Path): The environment's interpreter.
        pins (dict[str, str]): Version by distribution name.
        ops (bool): Whether mmcv's compiled ops are wanted, too.

    Returns:
        list[str]: One entry for each missing part, empty where all is there.
    """
    names = json.dumps(sorted(set(pins) | set(STAND_INS.values())))
    answer = subprocess.run(
        [str(python), '-c', _QUERY, names],
        stdout=subprocess.PIPE,
        check=True,
    )
    found, has_ops = json.loads(answer.stdout)
    missing = []
    for name, version in pins.items():
        stand_in = STAND_INS.get(name, name)
        if found[name] is None and found[stand_in] == version:
            continue
        if (found[name] or '').split('+')[0] != version:
            missing.append(f'{name}=={version} (found: {found[name]})')
    if ops and not has_ops:
        missing.append("mmcv's compiled ops")
    return missing


def is_done(
    stamp: Path, value: str, python: Path, pins: dict[str, str], ops: bool
) -> bool:
    """Whether a phase was done with these contents and still is.

    Args:
        stamp (Path): The phase's stamp.
        value (str): The digest that it must hold.
        python (Path): The environment's interpreter.
        pins (dict[str, str]): What must be there.
        ops (bool): Whether mmcv's compiled ops must be there.

    Returns:
        bool: True if nothing has to be installed.
    """
    if not stamp.is_file() or stamp.read_text() != value:
        return False
    return not find_missing(python, pins, ops)
