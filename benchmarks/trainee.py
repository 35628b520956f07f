# Copyright (c) aemim_mm contributors. All rights reserved.
"""A model in training: from its config, with a batch and an optimizer."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmpretrain.registry import MODELS

from aemim_mm.checkpoints import safe_loading
from aemim_mm.hooks.compile_blocks_hook import (
    BLOCKS,
    compile_blocks,
)
from aemim_mm.launcher.launch import disable_amp
from aemim_mm.utils.read_config import merge_options, read_config

from .command_line import PRECISIONS
from .synthetic import synthetic_batch

DTYPES = dict(
    zip(
        PRECISIONS,
        (torch.float32, torch.bfloat16, torch.float16),
        strict=True,
    )
)


class Trainee:
    """What a benchmark runs.

    Target networks (BEiT's and CIM's tokenizer) keep random weights: a step
    with them takes as long, and nothing is downloaded.

    ``precision`` is 'fp32', or 'bf16' or 'fp16' for autocast; with 'fp16' the
    loss is scaled, too. With ``channels_last`` the weights of convolutions
    have their channels last in memory; if ``compiled``, ``torch.compile``
    compiles the blocks of encoder and decoder. ValueError if the precision is
    unknown, it is no training config, or the model has no such blocks to
    compile.

    ``model`` is the algorithm, in training mode; ``data`` the preprocessed,
    synthetic batch; ``epochs`` the length of the training, or None, as the
    config says.
    """

    def __init__(
        self,
        config: str,
        batch_size: int,
        precision: str = 'fp32',
        cfg_options: Mapping[str, Any] | None = None,
        channels_last: bool = False,
        compiled: bool = False,
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(
                f'precision is {precision!r}; it must be one of '
                f'{", ".join(PRECISIONS)}'
            )
        cfg = read_config(config)
        merge_options(cfg, cfg_options)
        init_default_scope(cfg.get('default_scope') or 'mmpretrain')
        # Autocast and scaler are set here, on any device.
        disable_amp(cfg)
        self.device = get_device()
        self.dtype = DTYPES[precision]
        # A run's length, which mmengine's hook tells it: the momentum of MoCo
        # v3 depends on it. Any will do here.
        MessageHub.get_current_instance().update_info('max_iters', 1000)
        set_random_seed(0)
        batch = synthetic_batch(cfg, batch_size)
        self.batch_size = batch_size
        preprocessor = cfg.get('data_preprocessor')
        if preprocessor is not None:
            cfg.model.setdefault('data_preprocessor', preprocessor)
        target = cfg.model.get('target_generator') or {}
        for part in (target, target.get('encoder'), target.get('decoder')):
            (part or {}).pop('init_cfg', None)
        self.epochs = (cfg.get('train_cfg') or {}).get('max_epochs')
        model = revert_sync_batchnorm(MODELS.build(cfg.model))
        with safe_loading():
            model.init_weights()
        self.model = model.to(self.device)
        if channels_last:
            self.model.to(memory_format=torch.channels_last)
        if compiled:
            for name in BLOCKS:
                compile_blocks(self.model, name)
        self.model.train()
        self.data = self.model.data_preprocessor(batch, training=True)
        wrapper = build_optim_wrapper(self.model, cfg.optim_wrapper)
        self._optimizer = wrapper.optimizer
        self._clip = wrapper.clip_grad_kwargs
        self._scaler = torch.amp.GradScaler(
            self.device, enabled=precision == 'fp16'
        )

    def autocast(self) -> AbstractContextManager:
        """The context of a forward pass."""
        enabled = self.dtype != torch.float32
        dtype = self.dtype if enabled else None
        return torch.autocast(self.device, dtype, enabled=enabled)

    def step(self) -> None:
        """One training step: forward, attack, backward, optimizer."""
        with self.autocast():
            losses = self.model(**self.data, mode='loss')
            loss, _ = self.model.parse_losses(losses)
        self._scaler.scale(loss).backward()
        if self._clip:
            self._scaler.unscale_(self._optimizer)
            parameters = self.model.parameters()
            torch.nn.utils.clip_grad_norm_(parameters, **self._clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
