# Copyright (c) aemim_mm contributors. All rights reserved.
"""What an exported file says about where it comes from."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import mmengine
import mmpretrain
import timm
import torch

from ..algorithms import AEMIMAlgorithm
from ..checkpoints.terms import UNKNOWN, in_words, license_of, terms_of
from ..core import FeatureDistancePGD, RandomNoise, WaveletPGD
from ..utils import type_name
from ..utils.signatures import default_of
from ..version import __version__
from .architecture import Architecture
from .source import Source

# Attacks whose defaults are written out, by their registered names.
ATTACKS = {
    'FeatureDistancePGD': FeatureDistancePGD,
    'RandomNoise': RandomNoise,
    'WaveletPGD': WaveletPGD,
}


def describe(
    source: Source,
    architecture: Architecture,
    target: str,
    load: str,
    license: str | None = None,
) -> dict[str, Any]:
    """The metadata of an export.

    In plain types; what is not known is left out. Without a licence it is that
    of what the weights have started from. ValueError if they have started from
    weights of another licence.
    """
    terms = terms_of(dict(meta=source.meta), source.path.name)
    known = {entry['license'] for entry in terms} - {UNKNOWN}
    if license and known - {license}:
        raise ValueError(
            f'--license {license}: {in_words(terms)} Leave --license out'
        )
    # Of a run from random weights that was exported before.
    told = source.meta.get('license', UNKNOWN)
    origin = dict(file=source.path.name)
    if source.path.is_file():
        origin['sha256'] = source.sha256()
    for name in ('epoch', 'iter', 'experiment_name', 'time'):
        if name in source.meta:
            origin[name] = source.meta[name]
    described = dict(
        format='aemim_mm export',
        target=target,
        load=load,
        source=origin,
        recipe=recipe(source),
        architecture=dict(
            type=type(architecture).__name__, **asdict(architecture)
        ),
        normalization=source.normalization,
        license=license or (license_of(terms) if known else told),
        started_from=terms,
        dropped=source.dropped,
        versions=dict(
            aemim_mm=__version__,
            mmengine=mmengine.__version__,
            mmpretrain=mmpretrain.__version__,
            timm=timm.__version__,
            torch=torch.__version__,
        ),
    )
    # Through JSON: tuples become lists, subclasses their base types.
    return json.loads(json.dumps(described, default=str))


def recipe(source: Source) -> dict[str, Any]:
    """How the weights were trained, as far as the config says.

    ``algorithm``, and for AEMIM ``method``, ``attack``, ``adapters``,
    ``adv_ratio`` and ``loss_ratio``, defaults filled in; ``mask_ratio`` where
    it is set; for a fine-tuned model the checkpoint it started from.
    """
    model, backbone = source.model, source.config_of('backbone')
    if not model:
        return {}
    settings: dict[str, Any] = dict(algorithm=model.get('type'))
    # A subclass has the key, too.
    if AEMIMAlgorithm.rest_goes_to in model:
        settings['method'] = model.get('method')
        for name in ('adapters', 'adv_ratio', 'loss_ratio'):
            settings[name] = model.get(name, default_of(AEMIMAlgorithm, name))
        settings['attack'] = _attack(model.get('attack'))
    if 'mask_ratio' in backbone:
        settings['mask_ratio'] = backbone['mask_ratio']
    init = backbone.get('init_cfg')
    if isinstance(init, Mapping) and init.get('checkpoint'):
        settings['pretrained'] = init['checkpoint']
    return settings


def _attack(attack: Any) -> Any:
    """The attack's arguments, the defaults included."""
    attack = attack or dict(type='FeatureDistancePGD')
    if not isinstance(attack, Mapping):
        return attack
    name = type_name(attack.get('type'))
    if name not in ATTACKS:
        return attack
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(
            ATTACKS[name]
        ).parameters.items()
    }
    return {**defaults, **attack}
