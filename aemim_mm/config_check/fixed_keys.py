# Copyright (c) aemim_mm contributors. All rights reserved.
import re
from collections.abc import Iterator, Mapping

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from mmpretrain.models import SwinTransformer, VisionTransformer

from ..utils import near_misses, own_keys, type_name
from . import registries

DEFAULT_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
# What the constructors of optimizer wrappers read from `paramwise_cfg`. They
# are in a registry of their own, which no other part uses.
_DECAY = {'custom_keys', 'bias_decay_mult', 'norm_decay_mult'}
_DECAY |= {'flat_decay_mult'}
PARAMWISE_KEYS = {
    'DefaultOptimWrapperConstructor': _DECAY
    | {'bias_lr_mult', 'dwconv_decay_mult', 'dcn_offset_lr_mult'}
    | {'bypass_duplicate'},
    'LearningRateDecayOptimWrapperConstructor': _DECAY | {'layer_decay_rate'},
    'DetLayerDecayOptimWrapperConstructor': _DECAY | {'layer_decay_rate'},
}
# Sections that are no part of their own, and what mmengine reads of them.
KEYS = {
    'auto_scale_lr': {'enable', 'base_batch_size'},
    'randomness': own_keys(Runner.set_randomness)[0],
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'env_cfg.mp_cfg': own_keys(set_multi_processing)[0],
}
# What encoders read of an `arch` that is no name.
ARCH_KEYS = {
    VisionTransformer: {'num_layers', 'feedforward_channels'},
    SwinTransformer: {'depths'},
}
_ARCH_KEYS = {'embed_dims', 'num_heads'}


def fixed_keys(cfg: Config) -> Iterator[tuple[str, str, Mapping, set[str]]]:
    """The sections that are no part of their own but have known keys.

    Place, who reads it, content and the keys that are read; mmengine ignores
    the rest.
    """
    wrapper = cfg.get('optim_wrapper', None) or {}
    name = wrapper.get('constructor', None) or 'DefaultOptimWrapperConstructor'
    name = type_name(name)
    found = [
        (
            'optim_wrapper.paramwise_cfg',
            name,
            wrapper.get('paramwise_cfg', None),
            PARAMWISE_KEYS.get(name, None),
        )
    ]
    for place, known in KEYS.items():
        section = cfg
        for key in place.split('.'):
            section = section.get(key, None) or {}
        found.append((place, 'Runner', section, known))
    found.append(('model.backbone.arch', *_arch(cfg)))
    for path, title, part, keys in found:
        if isinstance(part, Mapping) and keys is not None:
            yield path, title, part, keys


def _arch(cfg: Config) -> tuple[str, Mapping | None, set[str] | None]:
    """Who reads ``arch``, its content and the keys that are read."""
    backbone = (cfg.get('model', None) or {}).get('backbone', None) or {}
    kind, scope = backbone.get('type', None), cfg.get('default_scope', None)
    for target in registries.find('model', kind, scope) if kind else ():
        for base, keys in ARCH_KEYS.items():
            if isinstance(target, type) and issubclass(target, base):
                return target.__name__, backbone.get('arch'), _ARCH_KEYS | keys
    return '', None, None


def check_default_hooks(cfg: Config) -> None:
    """Find misspelt names of mmengine's default hooks; others are free.

    TypeError if a name resembles one of a default hook.
    """
    words = '|'.join(DEFAULT_HOOKS)
    for name in cfg.get('default_hooks', None) or ():
        # Who writes `checkpoint_fit` means no typo.
        if re.search(rf'(?:^|_)(?:{words})(?:_|$)', name):
            continue
        guesses = near_misses(name, DEFAULT_HOOKS)
        if guesses:
            raise TypeError(
                f'default_hooks: "{name}" would be an additional hook, and '
                f'not change the default one.{guesses} Put your own hooks '
                'into custom_hooks.'
            )
