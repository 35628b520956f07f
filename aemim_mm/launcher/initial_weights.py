# Copyright (c) aemim_mm contributors. All rights reserved.
"""The weights that a run starts from, by one name."""

import os
import os.path as osp
import tempfile
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch import Tensor

from ..checkpoints import read_checkpoint
from ..checkpoints.fit import state_dict_of
from ..checkpoints.misfit import describe_prefixes
from ..export.timm_library import NETWORKS
from ..export.timm_network import TimmNetwork

PREFIX = 'backbone.'
TIMM = 'timm:'
# Parts of timm's models that are no encoder.
_HEADS = ('head.', 'fc_norm.')


def initial_weights(value: str, cfg: Config) -> str:
    """A checkpoint in this project's keys.

    Args:
        value (str): A checkpoint of a run, or an encoder that
            ``tools/export_backbone.py --to mmpretrain`` wrote: path or URL.
            Or ``timm:NAME``: a pretrained model of timm, which is downloaded
            where it is not in timm's cache, and written in our keys to
            ``<torch.hub>/aemim_timm/NAME.pth``.
        cfg (Config): The recipe, whose ``model.backbone`` has the
            architecture. Not changed.

    Returns:
        str: Its path or URL.

    Raises:
        FileNotFoundError: If it is not there, or cannot be downloaded.
        ValueError: If it is damaged, in the keys of another library, or of
            an architecture that the recipe's encoder is not.
    """
    if value.startswith(TIMM):
        return _from_timm(value.removeprefix(TIMM), cfg)
    if '://' not in value and not osp.isfile(osp.expanduser(value)):
        raise FileNotFoundError(
            f'init: there is no file {value} (current directory: '
            f'{os.getcwd()}). A model of timm is named timm:NAME'
        )
    try:
        checkpoint = read_checkpoint(value, 'cpu')
        keys = state_dict_of(checkpoint)
    except ValueError as error:
        raise ValueError(f'init: {error}') from error
    if not any(key.startswith(PREFIX) for key in keys):
        raise ValueError(
            f'init: {value} has no key that starts with {PREFIX!r}; it is a '
            f'file of another library (its keys: '
            f'{describe_prefixes(checkpoint) or "none"}). Give a checkpoint '
            'of this project or what tools/export_backbone.py --to '
            'mmpretrain writes; a foreign file must be converted to these '
            'keys first'
        )
    return value


def _from_timm(name: str, cfg: Config) -> str:
    path = osp.join(torch.hub.get_dir(), 'aemim_timm', f'{name}.pth')
    if osp.isfile(path):
        print_log(f'init: {TIMM}{name} was converted before: {path}')
        return path
    import timm

    try:
        model: Any = timm.create_model(name, pretrained=True)
    # A network fails in many ways, and timm knows more of its own.
    except Exception as error:
        raise FileNotFoundError(
            f'init: the weights of {TIMM}{name} could not be had '
            f'({type(error).__name__}: {str(error):.300}). `import timm; '
            'timm.list_pretrained()` shows the names; download where there is '
            'a network, and copy the cache, or give a file'
        ) from error
    weights = convert_from_timm(model.state_dict(), cfg.model.backbone)
    licence = (model.pretrained_cfg or {}).get('license') or 'not stated'
    print_log(f'init: {TIMM}{name}, licence of the weights: {licence}')
    meta = dict(source=f'{TIMM}{name}', license=licence)
    os.makedirs(osp.dirname(path), exist_ok=True)
    # Several processes may write; each replaces the file in one step.
    with tempfile.TemporaryDirectory(dir=osp.dirname(path)) as folder:
        written = osp.join(folder, 'weights.pth')
        torch.save(dict(state_dict=weights, meta=meta), written)
        os.replace(written, path)
    return path


def convert_from_timm(
    weights: dict[str, Tensor], backbone: dict
) -> dict[str, Tensor]:
    """Weights of a ViT or Swin of timm under this project's keys.

    The rules of the export (:mod:`aemim_mm.export.timm_network`), backwards:
    each key of our encoder says what it is called in timm, and where its
    values are there.

    Args:
        weights (dict[str, Tensor]): timm's state dict.
        backbone (dict): The config of our encoder.

    Returns:
        dict[str, Tensor]: ``backbone.*``.

    Raises:
        ValueError: If a part of one encoder is not in the other.
    """
    init_default_scope('mmpretrain')
    ours = MODELS.build({**backbone, 'init_cfg': None}).state_dict()
    network = _network(ours)
    found, used, missing = {}, set(), []
    for key, value in ours.items():
        index = torch.arange(value.numel()).view(value.shape)
        try:
            renamed = network.rename({key: index})
        except ValueError:  # what timm has no name for, such as a mask token
            continue
        for name, order in renamed.items():
            if name not in weights:
                missing.append(name)
                continue
            used.add(name)
            theirs = weights[name]
            if theirs.shape == value.shape:
                flat = torch.empty_like(theirs).flatten()
                flat[order.flatten()] = theirs.flatten()
                theirs = flat.view(value.shape)
            # Of another size: resized, or refused, where it is loaded.
            found[PREFIX + key] = theirs
    left = [
        name
        for name in weights
        if name not in used and not name.startswith(_HEADS)
    ]
    if missing or left:
        raise ValueError(
            'init: the model of timm is of another architecture than the '
            f'recipe. It lacks {missing[:3] or "nothing"}; in the recipe '
            f'there is no {left[:3] or "such part"}'
        )
    return found


def _network(keys: dict[str, Tensor]) -> TimmNetwork:
    """Of the networks of the export the one that has these keys."""
    networks = {kind.__name__: net for kind, net in NETWORKS.items()}
    return networks['Swin' if any('w_msa' in k for k in keys) else 'ViT']
