# Copyright (c) aemim_mm contributors. All rights reserved.
import difflib
import inspect
import logging
import os.path as osp
import re
from collections.abc import Iterator, Mapping

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import FlexibleRunner, Runner

from ..utils import near_misses

# What is read elsewhere than in a Runner's constructor: through `runner.cfg`,
# by `Config` itself or by the tools.
OTHER_NAMES = frozenset(
    {
        'activation_checkpointing',
        'compile',
        'custom_imports',
        'efficient_conv_bn_eval',
        'find_unused_parameters',
        'gpu_ids',
        'model_wrapper_cfg',
        'runner_type',
        'shortcuts',
        'sync_bn',
    }
)
# Read by the test tool. Other variables (`test_pipeline`) may resemble them.
TTA_NAMES = frozenset({'tta_model', 'tta_pipeline'})
# Settings of OpenMMLab 1.x that some stock configs still carry.
LEGACY_NAMES = frozenset(
    {'cudnn_benchmark', 'data', 'fp16', 'optimizer_config', 'resume_from'}
)
# Settings that have another place or name now, those of OpenMMLab 1.x first.
MOVED = {
    'checkpoint_config': 'default_hooks.checkpoint',
    'cudnn_benchmark': 'env_cfg.cudnn_benchmark',
    'data': 'train_dataloader',
    'evaluation': 'val_evaluator',
    'fp16': 'optim_wrapper',
    'log_config': 'default_hooks.logger',
    'lr_config': 'param_scheduler',
    'optimizer': 'optim_wrapper.optimizer',
    'optimizer_config': 'optim_wrapper.clip_grad',
    'resume_from': 'load_from',
    'runner': 'train_cfg',
    'total_epochs': 'train_cfg.max_epochs',
    'lr': 'optim_wrapper.optimizer.lr',
    'max_epochs': 'train_cfg.max_epochs',
    'max_iters': 'train_cfg.max_iters',
    'seed': 'randomness.seed',
}

# In the text of a config: a string (group 1 if an f-string) or comment,
# and a name that is neither assigned nor a key nor an attribute of another.
NO_CODE = re.compile(
    r'([fF][rR]?)?(?:'
    r'"""[\s\S]*?"""'
    r"|'''[\s\S]*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*')"
    r'|#[^\n]*'
)
READ = re.compile(r'(?:\b_base_\.|(?<![\w.]))(\w+)\b(?!\s*(?:=(?!=)|:))')
BASE_VARIABLE = re.compile(r'\{\{\s*_base_\.(\w+)')

# From this likeness on, a name is a misspelt setting: 'param_schedular' has
# 0.93, the variable 'query_dataloader' 0.77 to 'test_dataloader'.
TYPO = 0.8


def settings() -> frozenset[str]:
    """Top-level names that a training run reads."""
    names = set(OTHER_NAMES)
    for runner in (Runner, FlexibleRunner):
        names |= set(inspect.signature(runner.__init__).parameters)
    return frozenset(names - {'self', 'cfg'})


def check_names(cfg: Config) -> None:
    """Find top-level names that have no effect.

    A config also keeps its variables (``train_pipeline``, ``data_root`` and
    the like). A name that nothing reads is right if the config's own text,
    bases included, uses it, or if its value stands within a setting, as in a
    config that was dumped. What is left gives a warning, as do settings of
    OpenMMLab 1.x that stock configs still carry; None and functions are
    ignored.

    ValueError, with the similar names, if a name that nothing reads resembles
    a setting, holds a setting that has moved, or was set or changed after the
    file was read (``--cfg-options``), when variables have no effect any more.
    """
    known = settings()
    read = {k: v for k, v in cfg.items() if k in known | TTA_NAMES}
    inside = [_bare(part) for _, part in _parts(read)]
    file = None
    if cfg.filename and osp.isfile(cfg.filename):  # without the options
        file = Config.fromfile(cfg.filename, import_custom_modules=False)
    text = cfg.text or ''
    code = NO_CODE.sub(lambda found: found[0] if found[1] else '', text)
    used = {*READ.findall(code)}
    used.update(BASE_VARIABLE.findall(text))
    for name, value in cfg.items():
        if name in read or value is None or callable(value):
            continue
        typo = difflib.get_close_matches(name, known, cutoff=TYPO)
        # A word or number may be the same by chance, a dict or list not.
        telling = bool(value) and isinstance(value, Mapping | list | tuple)
        inlined = _bare(value) in inside
        if inlined and telling:
            continue
        if file is not None and _bare(file.get(name, None)) != _bare(value):
            raise ValueError(
                f'The options set "{name}", but nothing reads it: it is no '
                'setting of the Runner, and a variable of the config has no '
                f'effect after the file was read.{_hint(name, cfg, known)}'
            )
        # In mmengine's pure Python style the text lacks the bases.
        hidden = 'read_base' in text and not re.search(rf'\b{name}\b', text)
        if name in used or hidden or (inlined and not typo):
            continue
        message = (
            f'The config sets "{name}", but nothing reads it: it is no '
            'setting of the Runner, and the config does not use it as a '
            f'variable.{_hint(name, cfg, known)}'
        )
        moved = name in MOVED and isinstance(value, Mapping)
        if (typo or moved) and name not in LEGACY_NAMES:
            raise ValueError(f'{message} Correct the name or remove it.')
        print_log(message, logger='current', level=logging.WARNING)


def _parts(value: object, path: str = '') -> Iterator[tuple[str, object]]:
    """Places and values of all that stands within the settings."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for key, child in value.items():
            place = f'{path}.{key}' if path else str(key)
            if path:
                yield place, child
            yield from _parts(child, place)


def _bare(value: object) -> object:
    """A value without the scopes that a base of another library leaves."""
    if isinstance(value, Mapping):
        return {k: _bare(v) for k, v in value.items() if k != '_scope_'}
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value]
    return value


def _hint(name: str, cfg: Config, known: frozenset[str]) -> str:
    """The part of a message that says what was perhaps meant."""
    guesses = near_misses(name, known | (set(cfg) - {name}))
    places = [MOVED[name]] if name in MOVED else []
    if not places and not guesses:
        parts = _parts({k: v for k, v in cfg.items() if k in known})
        places = [place for place, _ in parts if place.endswith(f'.{name}')]
    if not places:
        return guesses
    return ' Did you mean ' + ' or '.join(f'"{x}"' for x in places[:3]) + '?'
