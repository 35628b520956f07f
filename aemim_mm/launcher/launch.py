# Copyright (c) aemim_mm contributors. All rights reserved.
"""Running on whatever hardware there is, with or without a launcher."""

import datetime
import inspect
import logging
import os
import subprocess

from mmengine.config import Config
from mmengine.device import (
    is_cuda_available,
    is_mlu_available,
    is_musa_available,
    is_npu_available,
)
from mmengine.dist import is_distributed, is_main_process
from mmengine.logging import print_log
from mmengine.registry import MODEL_WRAPPERS
from torch import distributed as torch_dist
from torch.nn.parallel import DistributedDataParallel

from ..utils import type_name
from ..utils.launcher_variables import LAUNCHERS

DATALOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def has_accelerator() -> bool:
    """Whether a device is there that mmengine's AMP and launchers can use."""
    return (
        is_cuda_available()
        or is_npu_available()
        or is_mlu_available()
        or is_musa_available()
    )


def adapt_to_hardware(cfg: Config) -> None:
    """Let a config that was written for GPUs run on the CPU.

    With an accelerator nothing is changed. Without one, in place, after all
    command line options:

    - ``AmpOptimWrapper`` becomes ``OptimWrapper`` and ``fp16`` of the
      validation and test loops is switched off, with one warning;
    - ``pin_memory`` is switched off;
    - with a launcher, the gloo process group is created here, since
      mmengine's own start-up calls ``torch.cuda.set_device``, the model
      wrapper gets no ``device_ids``, and ``SyncBN`` in the model becomes
      ``BN`` with a warning, since torch synchronises it on accelerators
      alone.

    KeyError if the launcher's environment variables are missing.
    """
    if has_accelerator():
        return
    if cfg.get('launcher', 'none') != 'none':
        env_cfg = cfg.get('env_cfg', None) or {}
        init_gloo(cfg.launcher, env_cfg.get('dist_cfg', None))
        unset_device_ids(cfg)
        if unset_sync_bn(cfg.get('model', None)) and is_main_process():
            print_log(
                'torch has no SyncBN on the CPU: the model uses BN, with the '
                'statistics of each process alone.',
                logger='current',
                level=logging.WARNING,
            )
    for name in DATALOADERS:
        if cfg.get(name, None) is not None:
            cfg[name]['pin_memory'] = False
    if disable_amp(cfg) and is_main_process():
        print_log(
            'No accelerator was found: automatic mixed precision is switched '
            'off, the run uses float32 on the CPU.',
            logger='current',
            level=logging.WARNING,
        )


def disable_amp(cfg: Config) -> bool:
    """Replace mixed precision by float32, in place; say if there was any."""
    found = False
    optim_wrapper = cfg.get('optim_wrapper', None)
    if isinstance(optim_wrapper, dict):
        # several optimizers: one wrapper config per name
        children = [v for v in optim_wrapper.values() if isinstance(v, dict)]
        for wrapper in [optim_wrapper, *children]:
            if type_name(wrapper.get('type', None)) != 'AmpOptimWrapper':
                continue
            found = True
            wrapper['type'] = 'OptimWrapper'
            for key in ('loss_scale', 'dtype', 'use_fsdp'):
                wrapper.pop(key, None)
    for name in ('val_cfg', 'test_cfg'):
        loop = cfg.get(name, None)
        if loop and loop.get('fp16', False):
            found = True
            loop['fp16'] = False
    return found


def unset_device_ids(cfg: Config) -> None:
    """Configure the model wrapper as the Runner would, without device ids.

    Wrappers that take none (FSDP, for example) are left alone.
    """
    wrapper = cfg.get('model_wrapper_cfg', None)
    if wrapper is None:
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
            device_ids=None,
        )
        return
    kind = wrapper.get('type', 'MMDistributedDataParallel')
    kind = MODEL_WRAPPERS.get(kind) if isinstance(kind, str) else kind
    if inspect.isclass(kind) and issubclass(kind, DistributedDataParallel):
        wrapper['device_ids'] = None


def unset_sync_bn(part: object) -> bool:
    """Replace ``SyncBN``, in place, by ``BN``, which has the same parameters.

    ``part`` is the model's config or a part of it. True if there was any.
    """
    if isinstance(part, list | tuple):
        return any([unset_sync_bn(child) for child in part])
    if not isinstance(part, dict):
        return False
    found = type_name(part.get('type')) in ('SyncBN', 'SyncBatchNorm')
    if found:
        part['type'] = 'BN'
    return unset_sync_bn(list(part.values())) or found


def init_gloo(launcher: str, dist_cfg: dict | None = None) -> None:
    """Create the process group of a run without accelerators.

    The launcher is ``'pytorch'``, ``'slurm'`` or ``'mpi'``; of
    ``env_cfg.dist_cfg``, ``timeout`` (in seconds) and ``port`` are used.
    KeyError if the launcher's environment variables are missing.
    """
    if is_distributed():
        return
    dist_cfg = dist_cfg or {}
    variables = LAUNCHERS[launcher]
    missing = [name for name in variables if name not in os.environ]
    if missing:
        raise KeyError(
            f'--launcher {launcher} needs the environment variables '
            f'{", ".join(missing)}: start the tool through '
            'torchrun (as tools/dist_train.sh and tools/dist_test.sh do), '
            'srun or mpirun, or leave --launcher out.'
        )
    for name, source in zip(LAUNCHERS['pytorch'], variables, strict=True):
        os.environ[name] = os.environ[source]
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        hosts = subprocess.run(
            ['scontrol', 'show', 'hostnames', os.environ['SLURM_NODELIST']],
            check=True,
            capture_output=True,
            text=True,
        )
        os.environ['MASTER_ADDR'] = hosts.stdout.split()[0]
    if launcher == 'slurm' and 'port' in dist_cfg:
        os.environ['MASTER_PORT'] = str(dist_cfg['port'])
    os.environ.setdefault('MASTER_PORT', '29500')
    timeout = dist_cfg.get('timeout', None)
    torch_dist.init_process_group(
        'gloo',
        timeout=None
        if timeout is None
        else datetime.timedelta(seconds=timeout),
    )


def shut_down() -> None:
    """Leave the process group, if there is one."""
    if is_distributed():
        torch_dist.destroy_process_group()
