# Copyright (c) aemim_mm contributors. All rights reserved.
import inspect
import os
import os.path as osp
from collections.abc import Iterator, Mapping
from http.client import HTTPException

import torch
from mmengine.config import Config
from mmpretrain.models import (
    ImageClassifier,
    SwinTransformer,
    VisionTransformer,
)
from mmpretrain.models.selfsup import BaseSelfSupervisor, CLIPGenerator

from ..checkpoints import read_checkpoint
from ..checkpoints.foreign import advice
from ..utils import type_name
from ..utils.launcher_variables import LAUNCHERS
from . import registries

# Classes that take a file as it is. Others, such as mmdet's Swin Transformer,
# may convert it.
_PLAIN = (
    BaseSelfSupervisor,
    ImageClassifier,
    SwinTransformer,
    VisionTransformer,
)


def check_weights(cfg: Config) -> None:
    """Make sure that the weights a model starts from can be had and read.

    Target networks (CLIP, DALL-E, VQ-KD) and pre-trained parts read theirs
    when the model is built or initialised, which is late. Here they are read
    once before, as the model will read them: what is named by a URL is
    downloaded into the cache of torch.hub, unless it is there. Of several
    processes on one machine the first does so; the others find the file in
    the cache.

    Checked are ``init_cfg=dict(type='Pretrained', checkpoint=...)`` of every
    part of the model, ``tokenizer_path`` of ``CLIPGenerator``, and
    ``load_from``.

    Args:
        cfg (Config): The config of a training run. Not changed.

    Raises:
        FileNotFoundError: If a file is not there, or cannot be downloaded;
            names the key, the path or URL, and the way out.
        ValueError: If a file is damaged, or refused since it holds more than
            weights.
    """
    if not first_on_machine(cfg):
        return
    named = list(named_weights(cfg))
    file = cfg.get('load_from', None)
    # Whether a local one is there is checked with the other options.
    if file and ('://' in file or osp.isfile(osp.expanduser(file))):
        key = '--resume' if cfg.get('resume', False) else 'load_from'
        named.append((key, file, 'the model'))
    for key, file, owner in named:
        if '://' not in file:
            _require_file(cfg, key, file, owner)
        try:
            content = read_checkpoint(file, 'cpu')
        except ValueError as error:
            raise ValueError(f'{key}: {error}') from error
        except (OSError, HTTPException) as error:
            raise FileNotFoundError(
                f'{key}: the weights of {owner} could not be had from {file} '
                f'({type(error).__name__}: {error}). Download the file where '
                'there is a network, and pass '
                f'--cfg-options {key}=PATH, or put it into '
                f'{osp.join(torch.hub.get_dir(), "checkpoints")}'
            ) from error
        foreign = advice(content, file)
        if foreign and _takes_mmpretrain_keys(cfg, key):
            raise ValueError(f'{key}: {file} does not fit. {foreign}')


def first_on_machine(cfg: Config) -> bool:
    """Whether this process is the first of a run on its machine.

    Args:
        cfg (Config): The config, with its ``launcher``.

    Returns:
        bool: True in one process of each machine.
    """
    variables = LAUNCHERS.get(cfg.get('launcher', 'none'))
    return (
        variables is None or os.environ.get(variables.local_rank, '0') == '0'
    )


def named_weights(cfg: Mapping) -> Iterator[tuple[str, str, str]]:
    """The weights that a model starts from.

    Args:
        cfg (Mapping): The config of a training run.

    Yields:
        tuple[str, str, str]: Key, path or URL, and the name of the part.
    """
    scope = cfg.get('default_scope', 'mmengine')
    yield from _walk(cfg.get('model', None), 'model', 'the model', scope)


def _walk(
    value: object, path: str, owner: str, scope: str | None
) -> Iterator[tuple[str, str, str]]:
    """The same for a part at a path, within a part named ``owner``."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f'{path}.{index}', owner, scope)
    if not isinstance(value, Mapping):
        return
    scope = value.get('_scope_', scope)
    kind = value.get('type', None)
    name = type_name(kind)
    key = None
    if name in ('Pretrained', 'PretrainedInit'):
        key = 'checkpoint'
    elif kind is not None:
        owner = name
        found = registries.first('model', kind, scope)
        if inspect.isclass(found) and issubclass(found, CLIPGenerator):
            key = 'tokenizer_path'
    file = value.get(key, None)
    if isinstance(file, str | os.PathLike):
        yield f'{path}.{key}', os.fspath(file), owner
    for child_key, child in value.items():
        yield from _walk(child, f'{path}.{child_key}', owner, scope)


def _takes_mmpretrain_keys(cfg: Config, key: str) -> bool:
    """Whether the part that loads a file has no converter of its own."""
    part = cfg.get('model', None) or {}
    # The part of `model.a.init_cfg.checkpoint`, or of `model.a.some_path`
    owner = key.partition('.init_cfg')[0].removesuffix('.tokenizer_path')
    for name in owner.split('.')[1:]:
        part = part[int(name) if name.isdigit() else name]
    scope = cfg.get('default_scope', 'mmengine')
    found = registries.first('model', part.get('type') or '', scope)
    return inspect.isclass(found) and issubclass(found, _PLAIN)


def _require_file(cfg: Config, key: str, file: str, owner: str) -> None:
    """Raise unless a local file exists, with its URL if that is known."""
    if osp.isfile(osp.expanduser(file)):
        return
    source = ''
    if cfg.filename and osp.isfile(cfg.filename):
        # What the config has there without the options of the command line.
        config = Config.fromfile(cfg.filename, import_custom_modules=False)
        named = {place: path for place, path, _ in named_weights(config)}
        if '://' in named.get(key, ''):
            source = f' The config file has them from {named[key]}.'
    shortcuts = cfg.get('shortcuts', None) or {}
    short = [name for name in shortcuts if key in shortcuts[name]['sets']]
    raise FileNotFoundError(
        f'{key}: "{file}" is not a file (current directory: {os.getcwd()}). '
        f'It should hold the weights of {owner}: put them there, or pass '
        f'--cfg-options {(short or [key])[0]}=PATH.{source}'
    )
