# Copyright (c) aemim_mm contributors. All rights reserved.
"""Environment variables in which launchers say which process this is."""

from typing import NamedTuple


class LauncherVariables(NamedTuple):
    """Names of environment variables."""

    rank: str  # which process of all this one is
    world_size: str  # how many there are
    local_rank: str  # which process of its machine this one is


# By mmengine's name of the launcher.
LAUNCHERS = {
    'pytorch': LauncherVariables('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': LauncherVariables(
        'SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'
    ),
    'mpi': LauncherVariables(
        'OMPI_COMM_WORLD_RANK',
        'OMPI_COMM_WORLD_SIZE',
        'OMPI_COMM_WORLD_LOCAL_RANK',
    ),
}
