# Copyright (c) aemim_mm contributors. All rights reserved.
"""Install into ``.venv`` in phases; quick when all is there.

Runs with the system's Python and uses the standard library alone.
"""

import argparse
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from dot_venv import PYTHON, ROOT, VENV, make_venv, pip_install, run
from mmcv_wheel import is_cached
from opencv import use_headless_if_needed
from preflight import find_problems
from stamps import digest, find_missing, is_done, read_pins

SCRIPTS = ROOT / 'tools' / 'setup'
# A phase's files in requirements/, and what to announce.
PHASES = {
    'core': (
        ['core', 'onedl'],
        'torch, timm, mmengine, mmcv, mmpretrain: 2 to 4 minutes, 8 GB',
    ),
    'det': (
        ['core', 'onedl', 'build', 'det'],
        "mmcv's compiled ops, mmdet: 1 minute where the ops are built",
    ),
    'robustness': (['robustness'], 'image corruptions: half a minute'),
    'tests': (['tests'], 'what tests compare with: a few seconds'),
    'dev': (['dev'], 'pytest, ruff: a few seconds'),
}


def requirement_files(names: list[str]) -> list[Path]:
    """Paths of files in ``requirements/``, by their names."""
    return [ROOT / 'requirements' / f'{name}.txt' for name in names]


def stamp_path(phase: str) -> Path:
    """Path of a phase's stamp."""
    return VENV / f'aemim_mm-{phase}.stamp'


def check_build_tools() -> None:
    """Look for a compiler before the core's long installation, not after.

    Raises:
        RuntimeError: If mmcv's ops have to be built and cannot be.
    """
    pins = read_pins(requirement_files(PHASES['core'][0]))
    if stamp_path('det').is_file():
        return
    if is_cached(pins['onedl-mmcv'], pins['torch']):
        return
    problems = find_problems(compiler=True)
    if problems:
        raise RuntimeError('\n[setup] '.join(problems))


def install_core() -> None:
    """Install the pinned packages and this one, editable; no compiler."""
    files = requirement_files(PHASES['core'][0])
    words = [word for path in files for word in ('-r', path)]
    pip_install(*words, '-e', ROOT)
    use_headless_if_needed(PYTHON, read_pins(files))
    run(PYTHON, '-c', 'import mmpretrain, timm, torchvision')


def install_det() -> None:
    """Install mmcv with compiled ops and mmdet, then try an op."""
    core = requirement_files(PHASES['core'][0])
    (build,) = requirement_files(['build'])
    (det,) = requirement_files(['det'])
    pip_install('-r', build)
    mmcv = read_pins(core)['onedl-mmcv']
    wheel = run(PYTHON, SCRIPTS / 'mmcv_wheel.py', mmcv).strip()
    pip_install('--force-reinstall', '--no-deps', wheel)
    install_on_top(det)
    use_headless_if_needed(PYTHON, read_pins(core))
    print(run(PYTHON, SCRIPTS / 'check_ops.py'), end='')


def install_on_top(path: Path) -> None:
    """Install a file's requirements, leaving the core as it is.

    Args:
        path (Path): The file. The core's pins are constraints.
    """
    core = requirement_files(PHASES['core'][0])
    words = [word for path in core for word in ('-c', path)]
    pip_install('-r', path, *words)


def install_extra(phase: str) -> None:
    """Install what the corruptions, or the tests' comparisons, need.

    Args:
        phase (str): Name of the phase and of its file.
    """
    (path,) = requirement_files(PHASES[phase][0])
    install_on_top(path)
    core = requirement_files(PHASES['core'][0])
    use_headless_if_needed(PYTHON, read_pins(core))


def install_dev() -> None:
    """Install what tests and lint need."""
    pip_install('-r', *requirement_files(['dev']))


INSTALLERS = {
    'core': install_core,
    'det': install_det,
    'robustness': partial(install_extra, 'robustness'),
    'tests': partial(install_extra, 'tests'),
    'dev': install_dev,
}


def install(phase: str, version: str) -> bool:
    """Run one phase, unless it is done and still there.

    Args:
        phase (str): A key of ``PHASES``.
        version (str): The environment's Python version.

    Returns:
        bool: Whether something was installed.

    Raises:
        RuntimeError: If something is missing although pip succeeded.
    """
    names, summary = PHASES[phase]
    files = requirement_files(names)
    pins = read_pins(files)
    ops = phase == 'det'
    facts = [ROOT / 'setup.py', ROOT / 'aemim_mm' / 'version.py']
    value = digest(files + facts, version, str(ROOT))
    stamp = stamp_path(phase)
    if is_done(stamp, value, PYTHON, pins, ops):
        return False
    stamp.unlink(missing_ok=True)
    print(f'[setup] {phase}: {summary}', flush=True)
    start = time.monotonic()
    INSTALLERS[phase]()
    missing = find_missing(PYTHON, pins, ops)
    if missing:
        raise RuntimeError(f'{phase}: not there: {", ".join(missing)}')
    stamp.write_text(value)
    seconds = time.monotonic() - start
    print(f'[setup] {phase}: done in {seconds:.0f} s', flush=True)
    return True


def main() -> int:
    """Install the phases that are asked for.

    Returns:
        int: 0 on success, else 1.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('phases', nargs='+', choices=list(PHASES))
    phases = parser.parse_args().phases
    try:
        if 'det' in phases:
            check_build_tools()
        version = make_venv()
        for phase in phases:
            install(phase, version)
    except RuntimeError as error:
        print(f'[setup] {error}', file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        command = ' '.join(error.cmd)
        print(f'[setup] failed, see above: {command}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
