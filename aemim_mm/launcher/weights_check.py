# Copyright (c) aemim_mm contributors. All rights reserved.
"""Whether a run's weights fit its model, found out without a run."""

import logging
from copy import deepcopy

from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from ..checkpoints import read_checkpoint
from ..hooks import CheckpointFitHook
from ..utils import type_name


def check_weights(cfg: Config) -> None:
    """Do what ``CheckpointFitHook`` of a config does at the start of a run.

    No file is written. Of a resumed run the model was compared already.
    Without the hook, nothing is checked: the run would load whatever fits.
    ValueError if weights do not fit.
    """
    options = next(
        (
            {k: v for k, v in hook.items() if k not in ('type', 'priority')}
            for hook in cfg.get('custom_hooks', None) or []
            if type_name(hook['type']) == 'CheckpointFitHook'
        ),
        None,
    )
    if options is None or cfg.get('resume', False):
        return
    init_default_scope(cfg.get('default_scope', None) or 'mmengine')
    model = deepcopy(cfg.model)
    if cfg.get('data_preprocessor', None) is not None:
        model.setdefault('data_preprocessor', deepcopy(cfg.data_preprocessor))
    built = MODELS.build(model)
    hook, logger = CheckpointFitHook(**options), logging.getLogger(__name__)
    hook.check_pretrained(built, logger)
    if cfg.get('load_from', None):
        checkpoint = read_checkpoint(cfg.load_from, map_location='cpu')
        hook.check_loaded(built, checkpoint, cfg, logger)
