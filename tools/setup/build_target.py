# Copyright (c) aemim_mm contributors. All rights reserved.
"""What mmcv's ops are compiled for: the CPU alone, or which CUDA and GPUs."""

import os
import re
import subprocess

# For a build on a machine that sees no GPU: Turing to Hopper, and later ones
# through PTX. A CUDA toolkit 12.x compiles all of them.
GENERIC_ARCHS = '7.5;8.0;8.6;9.0+PTX'
BYTES_PER_JOB = 3 * 2**30


def find_target() -> tuple[str, str, str]:
    """What this environment's torch and this machine's toolkit can build.

    Returns:
        tuple[str, str, str]: The target and the reason as in
        :func:`choose_target`, with the GPU architectures between them.
    """
    import torch
    from torch.utils.cpp_extension import CUDA_HOME

    archs = read_archs()
    nvcc = read_nvcc_version(CUDA_HOME)
    target, reason = choose_target(torch.version.cuda, nvcc, archs)
    return target, archs, reason


def choose_target(
    torch_cuda: str | None, nvcc_cuda: str | None, archs: str
) -> tuple[str, str]:
    """Decide what the ops are compiled for.

    Args:
        torch_cuda (str | None): CUDA version that torch was built with.
        nvcc_cuda (str | None): CUDA version of the ``nvcc`` at hand.
        archs (str): GPU architectures, as in ``TORCH_CUDA_ARCH_LIST``.

    Returns:
        tuple[str, str]: ``'cpu'`` or ``'cu{version}-{archs}'``, and why.
    """
    if not torch_cuda:
        return 'cpu', 'torch was built without CUDA'
    if not nvcc_cuda:
        return 'cpu', 'there is no nvcc (set CUDA_HOME to have CUDA ops)'
    if nvcc_cuda.split('.')[0] != torch_cuda.split('.')[0]:
        return 'cpu', (
            f'nvcc is of CUDA {nvcc_cuda}, torch of CUDA {torch_cuda}: the '
            'major versions must agree (set CUDA_HOME to have CUDA ops)'
        )
    label = re.sub('[^0-9a-zA-Z.+]+', '-', archs)
    return f'cu{torch_cuda}-{label}', f'nvcc is of CUDA {nvcc_cuda}'


def read_nvcc_version(cuda_home: str | None) -> str | None:
    """The CUDA version that a toolkit's ``nvcc`` names, or None."""
    nvcc = os.path.join(cuda_home or '/nowhere', 'bin', 'nvcc')
    try:
        answer = subprocess.check_output([nvcc, '--version'], text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    release = re.search(r'release (\d+\.\d+)', answer)
    return release.group(1) if release else None


def read_archs() -> str:
    """The GPU architectures to compile for, as torch's builder wants them.

    Returns:
        str: ``$TORCH_CUDA_ARCH_LIST``, else those of the GPUs at hand, else a
        list for the common ones.
    """
    import torch

    if os.environ.get('TORCH_CUDA_ARCH_LIST'):
        return os.environ['TORCH_CUDA_ARCH_LIST']
    indices = range(torch.cuda.device_count())
    found = {torch.cuda.get_device_capability(index) for index in indices}
    if not found:
        return GENERIC_ARCHS
    return ';'.join(f'{a}.{b}' for a, b in sorted(found)) + '+PTX'


def build_settings(target: str, archs: str) -> dict[str, str]:
    """The environment variables that mmcv's build obeys.

    Args:
        target (str): What :func:`choose_target` said.
        archs (str): GPU architectures.

    Returns:
        dict[str, str]: Variables to set.
    """
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    cores = len(os.sched_getaffinity(0))
    jobs = max(1, min(cores, memory // BYTES_PER_JOB))
    settings = {'MAX_JOBS': os.environ.get('MAX_JOBS', str(jobs))}
    if target == 'cpu':
        # A visible GPU alone would make mmcv's build ask for nvcc.
        return {**settings, 'FORCE_CUDA': '0', 'CUDA_VISIBLE_DEVICES': ''}
    return {**settings, 'FORCE_CUDA': '1', 'TORCH_CUDA_ARCH_LIST': archs}
