# Copyright (c) aemim_mm contributors. All rights reserved.
import re
from collections.abc import Iterator, Mapping

from mmengine.config import Config
from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from mmpretrain.engine import LearningRateDecayOptimWrapperConstructor

from ..optimizers import DetLayerDecayOptimWrapperConstructor
from ..utils import (
    near_misses,
    own_keys,
)

DEFAULT_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
# What the constructors of optimizer wrappers read from `paramwise_cfg`.
PARAMWISE_KEYS = {
    DefaultOptimWrapperConstructor: {
        'custom_keys',
        'bias_lr_mult',
        'bias_decay_mult',
        'norm_decay_mult',
        'flat_decay_mult',
        'dwconv_decay_mult',
        'dcn_offset_lr_mult',
        'bypass_duplicate',
    },
    LearningRateDecayOptimWrapperConstructor: {
        'custom_keys',
        'bias_decay_mult',
        'norm_decay_mult',
        'flat_decay_mult',
        'layer_decay_rate',
    },
}
PARAMWISE_KEYS[DetLayerDecayOptimWrapperConstructor] = PARAMWISE_KEYS[
    LearningRateDecayOptimWrapperConstructor
]
ENV_KEYS = {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'}


def fixed_keys(
    cfg: Config,
) -> Iterator[tuple[str, str, Mapping, set[str]]]:
    """The sections that are no part of their own but have known keys.

    Args:
        cfg (Config): The config.

    Yields:
        tuple[str, str, Mapping, set[str]]: Place, who reads it, content and
        the keys that are read.
    """
    env_cfg = cfg.get('env_cfg', None) or {}
    wrapper = cfg.get('optim_wrapper', None) or {}
    # In a registry of its own, which no other part uses.
    name = wrapper.get('constructor', None) or 'DefaultOptimWrapperConstructor'
    known = {c.__name__: keys for c, keys in PARAMWISE_KEYS.items()}
    name = name if isinstance(name, str) else name.__name__
    name = name.split('.')[-1]
    randomness, _ = own_keys(Runner.set_randomness)
    mp_cfg, _ = own_keys(set_multi_processing)
    for path, title, part, keys in (
        (
            'optim_wrapper.paramwise_cfg',
            name,
            wrapper.get('paramwise_cfg', None),
            known.get(name, None),
        ),
        (
            'auto_scale_lr',
            'Runner',
            cfg.get('auto_scale_lr', None),
            {'enable', 'base_batch_size'},
        ),
        ('randomness', 'Runner', cfg.get('randomness', None), randomness),
        ('env_cfg', 'Runner', env_cfg, ENV_KEYS),
        ('env_cfg.mp_cfg', 'Runner', env_cfg.get('mp_cfg', None), mp_cfg),
    ):
        if isinstance(part, Mapping) and keys is not None:
            yield path, title, part, keys


def check_default_hooks(cfg: Config) -> None:
    """Find misspelt names of mmengine's default hooks; others are free.

    Args:
        cfg (Config): The config.

    Raises:
        TypeError: If a name resembles one of a default hook.
    """
    words = '|'.join(DEFAULT_HOOKS)
    for name in cfg.get('default_hooks', None) or ():
        # Who writes `checkpoint_fit` means no typo.
        if re.search(rf'(?:^|_)(?:{words})(?:_|$)', name):
            continue
        guesses = near_misses(name, DEFAULT_HOOKS)
        if guesses:
            raise TypeError(
                f'default_hooks: "{name}" would be a further hook, and leave '
                f'the default one as it is.{guesses} Hooks of your own '
                'belong into custom_hooks.'
            )
