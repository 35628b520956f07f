# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which network the weights of an encoder belong to.

``ViT`` and ``Swin`` say the same of themselves: whether weights are theirs
(``recognises``), what the weights and the config tell (``of``), the config of
mmpretrain's backbone (``backbone``), of its outputs (``all_outputs``) and of
the neck before a classifier (``neck``). Nothing else asks which of the two it
has but the tables of the libraries that build a network of their own.
"""

import json
from collections.abc import Mapping
from typing import Any

from mmpretrain.registry import MODELS

from ..checkpoints.fit import fit_checkpoint
from ..checkpoints.misfit import describe_keys
from .source import Source
from .swin import Swin
from .vit import ViT

Architecture = ViT | Swin
_ARCHITECTURES: tuple[type[Architecture], ...] = (ViT, Swin)
_WAY_OUT = (
    'Only these two can be exported; mmpretrain itself loads the checkpoint '
    "as it is, by init_cfg=dict(type='Pretrained', checkpoint=..., "
    "prefix='backbone.')"
)


def find_architecture(source: Source) -> Architecture:
    """Find out the architecture, from the config and the shapes.

    Shapes tell all but a few things, such as the number of heads of a ViT.
    Those come from the config of the run, or without one from what an export
    or import has written into the file, or from a table of the usual sizes.

    Args:
        source (Source): The checkpoint.

    Returns:
        ViT | Swin: An architecture that has exactly the encoder's keys.

    Raises:
        ValueError: If it is none of the two, if something cannot be found
            out, or if the config contradicts the weights.
    """
    backbone = source.config_of('backbone')
    for cls in _ARCHITECTURES:
        if cls.recognises(source.encoder):
            break
    else:
        raise ValueError(
            f'{source.path}: the encoder '
            f'({backbone.get("type", "of unknown type")}, keys such as '
            f'{list(source.encoder)[:3]}) is neither a VisionTransformer nor '
            f'a SwinTransformer. {_WAY_OUT}'
        )
    named = named_arch(backbone)
    architecture = _described(source) or cls.of(source, named)
    cfg = architecture.backbone()
    for key, value in cfg['arch'].items() if named else ():
        said = named.get(key)
        said = list(said) if isinstance(said, tuple) else said
        if said != value:
            raise ValueError(
                f'{source.path}: the config says {key}={said}, the weights '
                f'say {value}: they are not of the same run. Pass the config '
                'file of the run with --config'
            )
    fit = fit_checkpoint(MODELS.build(cfg), source.encoder)
    problems = (
        describe_keys('missing in the file', fit.missing)
        + describe_keys('not in that network', fit.unexpected)
        + describe_keys('different shapes', fit.mismatched)
    )
    if problems:
        raise ValueError(
            f'{source.path}: the encoder is not a plain '
            f'{architecture}:{problems}\nEither the file is incomplete, or '
            f'it is a variant of that network. {_WAY_OUT}'
        )
    return architecture


def _described(source: Source) -> Architecture | None:
    """What an exported or imported file without a config says."""
    if source.model or 'aemim_mm' not in source.meta.get('versions', ''):
        return None
    told = source.meta['architecture']
    # .safetensors keep texts alone.
    told = json.loads(told) if isinstance(told, str) else told
    arguments: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in told.items()
    }
    kind = arguments.pop('type', None)
    if 'pooled_norm' in arguments:  # files for mmdet lack it
        arguments['pooled_norm'] = 'ln2.weight' in source.encoder
    for cls in _ARCHITECTURES:
        if cls.__name__ == kind:
            return cls(**arguments)
    return None


def named_arch(backbone: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of ``arch`` that the config of a backbone names.

    Empty without a config. The backbone is built: some classes add names to
    the table of their base class when they are. ValueError if it cannot be
    built.
    """
    if not backbone:
        return {}
    cfg = {key: value for key, value in backbone.items() if key != 'init_cfg'}
    try:
        return dict(MODELS.build(cfg).arch_settings)
    except (
        AssertionError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f'the backbone {cfg.get("type")!r} with arch={cfg.get("arch")!r} '
            f'of the config cannot be built: {error}. Pass the config file of '
            'the run, with classes that mmpretrain or aemim_mm has, with '
            '--config'
        ) from error
