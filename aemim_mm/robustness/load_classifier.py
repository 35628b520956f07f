# Copyright (c) aemim_mm contributors. All rights reserved.
"""Classifiers from a config or timm, with the weights of a checkpoint."""

import json
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import Any

import timm
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS
from timm.data import resolve_model_data_config
from torch import nn

from ..checkpoints import read_checkpoint
from ..checkpoints.fit import (
    fit_checkpoint,
    state_dict_of,
)
from ..checkpoints.foreign import unwrapped
from ..checkpoints.misfit import (
    describe_keys,
    describe_prefixes,
    likely_cause,
)
from ..checkpoints.normalization import (
    other_pixels,
    stored_normalization,
    told_normalization,
)
from ..config_check import check_constructor_keys
from ..evaluation import PixelClassifier
from ..utils import near_misses
from ..utils.read_config import merge_options, read_config
from .evaluated_classifier import EvaluatedClassifier


def load_config_classifier(
    config: str,
    checkpoint: str,
    input_size: int | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    device: str = 'cpu',
) -> EvaluatedClassifier:
    """Build the classifier of a config and load its weights.

    Args:
        config (str): The config file. Only ``model`` and
            ``data_preprocessor`` count.
        checkpoint (str): Path or URL of the weights.
        input_size (int, optional): Size of its images. None means the
            backbone's ``img_size``, else 224. Defaults to None.
        cfg_options (Mapping, optional): Changes to the config. Defaults to
            None.
        device (str): Where it runs. Defaults to 'cpu'.

    Returns:
        EvaluatedClassifier: The classifier.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the config has no model, or the checkpoint does not
            fit it or was trained on pixels of another mean and std.
    """
    whole = read_model_config(config, cfg_options)
    cfg = model_of(whole)
    # Before the build, which moves train_cfg elsewhere.
    description = as_text(_without(cfg, 'train_cfg'))
    model = build_model(config, cfg)
    if isinstance(model, BaseSelfSupervisor):
        raise ValueError(
            f'{config} is a recipe of pre-training, without a classifier: add '
            '--knn TRAIN_DATA or --linear-head FILE, or give the config of '
            'its fine-tuning'
        )
    if not hasattr(model, 'data_preprocessor'):
        raise ValueError(
            f'the model of {config} is a {type(model).__name__}, not a '
            'classifier of mmpretrain'
        )
    content = read_checkpoint(checkpoint, 'cpu')
    load_weights(model, checkpoint, content)
    check_pixels(checkpoint, content, whole)
    return EvaluatedClassifier(
        name=osp.splitext(osp.basename(config))[0],
        model=PixelClassifier.from_mmpretrain(model.to(device)),
        input_size=input_size or image_size(cfg),
        checkpoint=checkpoint,
        description=description,
        classes=_classes_of(content.get('meta')),
    )


def load_timm_classifier(
    name: str,
    checkpoint: str | None = None,
    input_size: int | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = 'cpu',
) -> EvaluatedClassifier:
    """Build a classifier of timm, with its published weights or others.

    Args:
        name (str): Its name in timm, with or without tag.
        checkpoint (str, optional): Path or URL of other weights; of a run
            with averaged ones those, as timm takes them. If it is an export,
            its mean and standard deviation count, unless ``options`` has
            ``pretrained_cfg_overlay``. Defaults to None.
        input_size (int, optional): Size of its images. None means that of its
            data configuration. Defaults to None.
        options (Mapping, optional): Keyword arguments of
            ``timm.create_model``. Defaults to None.
        device (str): Where it runs. Defaults to 'cpu'.

    Returns:
        EvaluatedClassifier: The classifier.

    Raises:
        FileNotFoundError: If the checkpoint is missing.
        ValueError: If timm has no such model, or the checkpoint does not fit.
    """
    # Options come as `a.b=value`.
    nested = Config(dict())
    nested.merge_from_dict(dict(options or {}))
    kwargs = nested.to_dict()
    try:
        model = timm.create_model(
            name, pretrained=checkpoint is None, **kwargs
        )
    except (RuntimeError, TypeError) as error:
        close = near_misses(name, timm.list_models())
        raise ValueError(
            f'timm has no model {name} with these options ({error}).{close}'
        ) from error
    stored: dict[str, Any] = {}
    if checkpoint is not None:
        content = read_checkpoint(checkpoint, 'cpu')
        if 'pretrained_cfg_overlay' not in kwargs:
            stored = stored_normalization(content.get('meta') or {})
        load_weights(model, checkpoint, unwrapped(content))
    config = resolve_model_data_config(model)
    for key in ('mean', 'std'):
        if key in stored:
            config[key] = tuple(value / 255 for value in stored[key])
    print_log(
        f'{name}: mean {config["mean"]} and deviation {config["std"]} are '
        f"{checkpoint if stored else 'timm'}'s. timm's own evaluation crops a "
        f'share of {config["crop_pct"]} with {config["interpolation"]} '
        'interpolation; here all models get the same: bicubic, 0.875.',
        logger='current',
    )
    return EvaluatedClassifier(
        name=name,
        model=PixelClassifier(
            model.to(device),
            config['mean'],
            config['std'],
            bgr=not stored.get('to_rgb', True),
        ),
        input_size=input_size or config['input_size'][-1],
        checkpoint=checkpoint,
        description=as_text(dict(timm=name, options=kwargs)),
    )


def read_model_config(
    config: str, cfg_options: Mapping[str, Any] | None = None
) -> Any:
    """A config with a model, which is checked, and its scope the default one.

    Args:
        config (str): The config file.
        cfg_options (Mapping, optional): Changes to it. Defaults to None.

    Returns:
        Config: The whole config.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it has no model, or a key that is not known.
    """
    cfg = read_config(config)
    merge_options(cfg, cfg_options)
    if cfg.get('model') is None:
        raise ValueError(f'{config} has no model')
    scope = cfg.get('default_scope') or 'mmpretrain'
    init_default_scope(scope)
    try:
        check_constructor_keys(
            Config(dict(model=model_of(cfg), default_scope=scope))
        )
    except TypeError as error:
        raise ValueError(f'{config}: {error}') from error
    return cfg


def model_of(cfg: Config) -> Any:
    """The model of a config, as it is built to be evaluated.

    Args:
        cfg (Config): The whole config.

    Returns:
        ConfigDict: ``model`` with its ``data_preprocessor``, without
        ``init_cfg``.
    """
    model = _without(cfg.model, 'init_cfg')
    if cfg.get('data_preprocessor') is not None:
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    return model


def check_pixels(path: str, checkpoint: Mapping, cfg: Config) -> None:
    """Refuse a config that normalises other than the weights know.

    Args:
        path (str): Where the checkpoint is from.
        checkpoint (Mapping): Its content.
        cfg (Config): The whole config.

    Raises:
        ValueError: If the checkpoint names another mean or std.
    """
    other = other_pixels(told_normalization(checkpoint.get('meta')), cfg)
    if other is not None:
        raise ValueError(f'{path} {other}.')


def build_model(config: str, cfg: Any) -> nn.Module:
    """Build a model, or a part of it.

    Args:
        config (str): The config file, for the message.
        cfg (ConfigDict): Of the model.

    Returns:
        nn.Module: The model.

    Raises:
        ValueError: If its type is not known.
    """
    try:
        return MODELS.build(cfg)
    except KeyError as error:
        raise ValueError(f'{config}: {error.args[0]}') from error


def image_size(model: Mapping) -> int:
    """The size of a model's images.

    Args:
        model (Mapping): Its config.

    Returns:
        int: Width and height in pixels: the backbone's ``img_size``, else
        224.
    """
    size = (model.get('backbone') or {}).get('img_size', 224)
    return size if isinstance(size, int) else min(size)


def load_weights(
    model: nn.Module, path: str, checkpoint: Mapping, prefix: str | None = None
) -> None:
    """Load, if every key gets its value and no block is left over.

    Args:
        model (nn.Module): The model.
        path (str): Where the checkpoint is from, for messages.
        checkpoint (Mapping): Its content.
        prefix (str, optional): Of the keys that count. Defaults to None.

    Raises:
        ValueError: If it does not fit.
    """
    try:
        weights = state_dict_of(checkpoint, prefix)
        fit = fit_checkpoint(model, weights)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f'{path} is refused: {error}') from error
    if fit.missing or fit.mismatched or fit.surplus:
        raise ValueError(
            f'{path} does not fit: {fit} of the model would be loaded.'
            + describe_keys('missing in the file', fit.missing)
            + describe_keys('not in the model', fit.surplus)
            + describe_keys('different shapes', fit.mismatched)
            + f'\n  keys in the file: {describe_prefixes(checkpoint)}'
            '\nThe likely cause is '
            f'{likely_cause(fit, checkpoint, prefix)}. Evaluate with the '
            'architecture that it was trained with.'
        )
    model.load_state_dict(weights, strict=False)
    left = describe_keys('in the file but not used', fit.unexpected)
    print_log(f'{path}: {fit} loaded{left}', logger='current')


def _classes_of(meta: Any) -> Sequence[str]:
    """Names that a run's checkpoint has for its classes."""
    stored = meta.get('dataset_meta') if isinstance(meta, Mapping) else None
    return (stored.get('classes') if isinstance(stored, Mapping) else ()) or ()


def _without(part: Any, key: str) -> Any:
    """A copy of a config without the values of a key, at any depth."""
    if isinstance(part, Mapping):
        return type(part)(
            {k: _without(v, key) for k, v in part.items() if k != key}
        )
    if isinstance(part, list | tuple):
        return type(part)(_without(value, key) for value in part)
    return part


def as_text(config: Any) -> str:
    """A config as text, the same for equal ones."""
    return json.dumps(config, sort_keys=True, default=str)
