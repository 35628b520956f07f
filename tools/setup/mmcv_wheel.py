# Copyright (c) aemim_mm contributors. All rights reserved.
"""Get a wheel of onedl-mmcv with compiled ops, from a cache or by a build.

Runs in the environment: the ops are compiled against its torch. The path of
the wheel is the only thing on stdout; what happens is said on stderr.
"""

import logging
import os
import platform
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from build_target import build_settings, find_target

REQUIREMENTS = Path(__file__).resolve().parents[2] / 'requirements'
MINUTES = 'about 11 minutes on two CPU cores, longer for CUDA; once'


def say(text: str) -> None:
    """Print one line of progress to stderr."""
    print(f'[setup] {text}', file=sys.stderr, flush=True)


def read_pin(name: str) -> str:
    """The version of a distribution that ``requirements/`` pins."""
    lines = [path.read_text() for path in sorted(REQUIREMENTS.glob('*.txt'))]
    return re.search(rf'^{name}==(\S+)', '\n'.join(lines), re.M).group(1)


def cache_root() -> Path:
    """The folder of built wheels, outside any clone.

    Returns:
        Path: ``$AEMIM_WHEEL_CACHE``, else ``aemim_mm/wheels`` in the user's
        cache folder.
    """
    if os.environ.get('AEMIM_WHEEL_CACHE'):
        return Path(os.environ['AEMIM_WHEEL_CACHE']).expanduser().absolute()
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'aemim_mm' / 'wheels'


def cache_key(mmcv: str, torch: str, target: str) -> str:
    """The name of the cache folder for one kind of wheel.

    Args:
        mmcv (str): Version of onedl-mmcv.
        torch (str): Version of torch; a local part such as ``+cpu`` is left
            out, since the C++ interface is the same.
        target (str): ``'cpu'``, or the CUDA version and GPU architectures.

    Returns:
        str: Such as ``'mmcv-2.3.6_torch-2.9.1_cp311_cpu_x86_64'``.
    """
    python = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    torch = torch.split('+')[0]
    machine = platform.machine()
    return f'mmcv-{mmcv}_torch-{torch}_{python}_{target}_{machine}'


def find_wheel(folder: Path) -> Path | None:
    """A whole wheel with compiled ops in ``folder``, or None."""
    return next(filter(holds_ops, folder.glob('onedl_mmcv-*.whl')), None)


def holds_ops(wheel: Path) -> bool:
    """Whether a file is a whole wheel with mmcv's compiled ops inside."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return any(re.fullmatch(r'mmcv/_ext[^/]*\.so', name) for name in names)


def is_cached(mmcv: str, torch: str) -> bool:
    """Whether the cache can serve this Python, for whichever target."""
    folders = cache_root().glob(cache_key(mmcv, torch, '*'))
    return any(find_wheel(folder) for folder in folders)


def build_wheel(version: str, folder: Path, settings: dict[str, str]) -> Path:
    """Compile the ops into a wheel and put it into the cache in one move.

    Args:
        version (str): Version of onedl-mmcv.
        folder (Path): The cache folder of the key, made if needed.
        settings (dict[str, str]): Environment variables of the build.

    Returns:
        Path: The wheel in the cache.

    Raises:
        RuntimeError: If the build failed, or gave a wheel without ops.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # pip's own cache holds a wheel of the same name without ops, which its
    # isolated build gives (no torch in there): hence these options.
    command = [sys.executable, '-m', 'pip', 'wheel', '-qq', '--no-deps']
    command += ['--no-build-isolation', '--no-cache-dir']
    command += ['--no-binary', 'onedl-mmcv', f'onedl-mmcv=={version}']
    with tempfile.TemporaryDirectory(prefix='.build-', dir=folder) as scratch:
        outcome = subprocess.run(
            command + ['--wheel-dir', scratch],
            env={**os.environ, **settings},
            stdout=sys.stderr,
        )
        if outcome.returncode:
            raise RuntimeError(
                "mmcv's ops could not be compiled; the output above says "
                'why. Pre-training, fine-tuning and evaluation do without.'
            )
        built = find_wheel(Path(scratch))
        if built is None:
            raise RuntimeError(
                'the build of onedl-mmcv gave a wheel without compiled ops '
                '(mmcv/_ext*.so); is torch installed in this environment?'
            )
        return built.replace(folder / built.name)


def get_wheel(version: str) -> Path:
    """Take the wheel of onedl-mmcv ``version`` from the cache, or build it."""
    import torch

    target, archs, reason = find_target()
    say(f"mmcv's ops for {target}: {reason}")
    folder = cache_root() / cache_key(version, torch.__version__, target)
    wheel = find_wheel(folder)
    if wheel is not None:
        say(f'taking {wheel}')
        return wheel
    say(f'building onedl-mmcv {version} into {folder} ({MINUTES})')
    return build_wheel(version, folder, build_settings(target, archs))


if __name__ == '__main__':
    # Without a GPU torch warns at every import of its builder.
    logging.disable(logging.WARNING)
    try:
        print(get_wheel(read_pin('onedl-mmcv')))
    except RuntimeError as error:
        say(str(error))
        sys.exit(1)
