# Copyright (c) aemim_mm contributors. All rights reserved.
import inspect
import logging
import re
from collections.abc import Mapping

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import FlexibleRunner, Runner

from ...utils import near_misses

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
        'sync_bn',
        'tta_model',
        'tta_pipeline',
    }
)
# Settings of OpenMMLab 1.x that some stock configs still carry.
LEGACY_NAMES = frozenset(
    {'cudnn_benchmark', 'fp16', 'optimizer_config', 'resume_from'}
)


def known_names() -> frozenset[str]:
    """Top-level names that a run reads."""
    names = set(OTHER_NAMES)
    for runner in (Runner, FlexibleRunner):
        names |= set(inspect.signature(runner.__init__).parameters)
    return frozenset(names - {'self', 'cfg'})


def check_names(cfg: Config) -> None:
    """Find top-level names that have no effect.

    A config also keeps its helper variables (``train_pipeline``,
    ``data_root`` and the like): a name that nothing reads is right if the
    config's own text, bases included, uses it besides assigning it. A plain
    value that resembles no other name, and a setting of OpenMMLab 1.x that
    stock configs still carry, only give a warning; None is ignored.

    Args:
        cfg (Config): The config. Not changed.

    Raises:
        ValueError: If a name is neither read by a run nor used, and its
            value is a dict (or a list of them) or it resembles another name.
            The message holds the similar names.
    """
    known = known_names()
    for name, value in cfg.items():
        if name in known or value is None or is_helper(name, cfg.text or ''):
            continue
        guesses = near_misses(name, known | (set(cfg) - {name}))
        message = (
            f'The config sets "{name}", but nothing reads it: it is no '
            'setting of the Runner, and the config does not use it as a '
            f'variable.{guesses}'
        )
        # A number or a word that resembles no setting does no harm.
        harmless = not guesses and not holds_dict(value)
        if harmless or name in LEGACY_NAMES:
            print_log(message, logger='current', level=logging.WARNING)
            continue
        raise ValueError(f'{message} Correct the name or remove it.')


def holds_dict(value: object) -> bool:
    """Whether a value configures something: a dict or a list of dicts."""
    if isinstance(value, list | tuple):
        return any(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def is_helper(name: str, text: str) -> bool:
    """Whether the text of a config uses a variable.

    Args:
        name (str): The top-level name.
        text (str): The text of the config file and of its bases. For configs
            in mmengine's pure Python style it lacks the bases; there a name
            that the text does not mention comes from one of them.

    Returns:
        bool: Whether the name occurs other than as the target of ``=``.
    """
    word = rf'(?<![\w.]){re.escape(name)}\b|_base_\.{re.escape(name)}\b'
    mentions = len(re.findall(word, text))
    if not mentions:
        return 'read_base' in text
    return bool(re.search(rf'(?:{word})(?!\s*=(?!=))', text))
