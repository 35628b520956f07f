# Copyright (c) aemim_mm contributors. All rights reserved.
"""The page of a model on the Hugging Face Hub, and the way there."""

import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import timm
from safetensors.torch import load_file
from timm.models import push_to_hf_hub
from torch import nn

from ..checkpoints.terms import UNKNOWN
from .timm_library import with_types_of

# Identifiers that the Hub knows stand alone; several licences are 'other'.
_SEVERAL = ' AND '


def task(model: nn.Module) -> str:
    """The Hub's name of what a model of timm does."""
    classifies = getattr(model, 'num_classes', 0)
    return 'image-classification' if classifies else 'image-feature-extraction'


def model_card(meta: Mapping[str, Any], load: str) -> dict[str, Any]:
    """What the page of a model says, in the terms of timm.

    ``model_card`` for ``timm.models.push_to_hf_hub``, of the metadata of the
    export and the code that opens the model.
    """
    license = meta['license']
    card: dict[str, Any] = dict(license=license)
    if _SEVERAL in license or license == UNKNOWN:
        card.update(license='other', license_name=license)
    recipe = meta.get('recipe') or {}
    details = {
        'Architecture': _plain(meta['architecture']),
        'Trained by': _plain(recipe) or 'not known',
        'Licence': license,
        'Goes back to': [
            f'{entry["source"]} ({entry["license"]})'
            for entry in meta['started_from']
        ]
        or 'nothing: trained from random weights',
        'Checkpoint': _plain(meta['source']),
        'Normalisation (0-255)': _plain(meta['normalization']),
        'Written by': f'aemim_mm {meta["versions"]["aemim_mm"]}',
    }
    card.update(
        description='A Vision Transformer or Swin Transformer, exported by '
        'aemim_mm.',
        details=details,
        usage=f'```python\nimport timm\n\nmodel = {load}\n```',
        tags=['timm', 'aemim_mm'],
    )
    return card


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
    }


def check_push(name: str) -> None:
    """Make sure that a model can be pushed, before any work is done.

    ValueError if the name is no ``USER/NAME``, or nobody is logged in.
    """
    from huggingface_hub import get_token
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(name)
        valid = name.count('/') == 1
    except HFValidationError:
        valid = False
    if not valid:
        raise ValueError(f'--push {name}: give USER/NAME')
    if get_token() is None:
        raise ValueError(
            f'--push {name}: you are not logged in to the Hugging Face Hub. '
            'Run `hf auth login`, or set HF_TOKEN'
        )


def push(folder: str | PathLike, name: str, public: bool = False) -> str:
    """Put an exported folder on the Hugging Face Hub, by timm's function.

    The folder is one that :class:`TimmFolder` has written, the name
    ``USER/NAME``. A repository that is there stays as public as it is. Returns
    the address. RuntimeError if the Hub cannot be reached, or refuses.
    """
    path = Path(fspath(folder)).expanduser()
    config = json.loads((path / 'config.json').read_text(encoding='utf-8'))
    meta = config['aemim_mm']
    model = with_types_of(
        timm.create_model(f'local-dir:{path}', pretrained=True),
        load_file(path / 'model.safetensors'),
    )
    load = f"timm.create_model('hf-hub:{name}', pretrained=True)"
    try:
        push_to_hf_hub(
            model,
            name,
            private=not public,
            model_config=dict(
                pretrained_cfg=config['pretrained_cfg'], aemim_mm=meta
            ),
            model_args=config.get('model_args'),
            model_card=model_card(meta, load),
            task_name=task(model),
            safe_serialization=True,
        )
    except Exception as error:  # of the hub, of requests, of the network
        raise RuntimeError(
            f'{path} is written, but could not be pushed to {name} '
            f'({type(error).__name__}: {error})'
        ) from error
    return f'https://huggingface.co/{name}'
