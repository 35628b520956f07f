# Copyright (c) aemim_mm contributors. All rights reserved.
"""A folder that timm opens by name, and its page on the Hugging Face Hub."""

import json
from collections.abc import Iterator, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import push_to_hf_hub, save_for_hf
from timm.models._hub import generate_readme
from torch import Tensor, nn

from ..checkpoints.terms import UNKNOWN
from .timm_library import Timm, outputs_of

# Resize the short edge to 256, crop 224: the recipes here.
_CROP_PCT = 0.875
# Identifiers that the Hub knows stand alone; several licences are 'other'.
_SEVERAL = ' AND '


class TimmFolder(Timm):
    """``config.json``, ``model.safetensors`` and a model card.

    The source of the format is ``timm.models.save_for_hf``, which writes it.
    """

    def load_code(self, out: str) -> str:
        """A call of ``timm.create_model``."""
        folder = out.rstrip('/')
        return f"timm.create_model('local-dir:{folder}', pretrained=True)"

    def save(
        self, path: Path, weights: dict[str, Tensor], meta: dict[str, Any]
    ) -> None:
        """Write the folder.

        Args:
            path (Path): The folder, new or empty.
            weights (dict[str, Tensor]): By timm's keys.
            meta (dict[str, Any]): The metadata.
        """
        model = self.build()
        model.load_state_dict(weights, strict=True)
        dtypes = {v.dtype for v in weights.values() if v.is_floating_point()}
        if len(dtypes) == 1:
            model = model.to(dtypes.pop())
        save_for_hf(
            model,
            fspath(path),
            model_config=self.hub_config(meta),
            model_args=dict(self._arguments),
            safe_serialization=True,
        )
        card = generate_readme(
            model_card(meta, self.load_code(path.name)), path.name, task(model)
        )
        (path / 'README.md').write_text(card, encoding='utf-8')

    def hub_config(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        """What timm does not know: origin, licence, pixels, and crop.

        Without it timm would state tag and licence of weights of its own.
        """
        recipe = meta.get('recipe') or {}
        tag = recipe.get('method') or recipe.get('algorithm') or 'exported'
        if 'method' in recipe:
            tag = f'aemim_{tag}'
        known = self.pixels()
        if not known:
            raise ValueError(
                f'{self.source.path} does not tell by which mean and '
                'deviation its pixels were normalised, which the folder has '
                'to state. Pass the config file of the run with --config'
            )
        cfg = dict(
            tag=tag.rpartition('.')[2].lower(),
            license=meta['license'],
            crop_pct=crop_pct(self.source.config),
            crop_mode='center',
            interpolation='bicubic',
            **known,
        )
        return dict(pretrained_cfg=cfg, aemim_mm=dict(meta))

    @torch.no_grad()
    def outputs(self, path: Path, images: Tensor) -> dict[str, list[Tensor]]:
        """The last features, and the logits, of the model from the folder."""
        model = timm.create_model(f'local-dir:{path}', pretrained=True)
        return outputs_of(model.float().eval(), images, bool(self._head))


def crop_pct(config: Mapping[str, Any]) -> float:
    """Which part of the resized image is evaluated.

    Args:
        config (Mapping): The config of the run, or empty.

    Returns:
        float: Crop over short edge, from the pipeline of the test or the
        validation; 0.875 if it has no ``CenterCrop`` after a ``ResizeEdge``.
    """
    for name in ('test_dataloader', 'val_dataloader'):
        loader = config.get(name)
        dataset = loader.get('dataset') if isinstance(loader, Mapping) else {}
        steps = {step.get('type'): step for step in _steps(dataset)}
        edge = steps.get('ResizeEdge', {}).get('scale')
        crop = steps.get('CenterCrop', {}).get('crop_size')
        if isinstance(edge, int) and isinstance(crop, int):
            return round(crop / edge, 4)
    return _CROP_PCT


def _steps(dataset: Any) -> Iterator[Mapping[str, Any]]:
    pipeline = dataset.get('pipeline') if isinstance(dataset, Mapping) else ()
    for step in pipeline or ():
        if isinstance(step, Mapping):
            yield step


def task(model: nn.Module) -> str:
    """The Hub's name of what a model of timm does."""
    classifies = getattr(model, 'num_classes', 0)
    return 'image-classification' if classifies else 'image-feature-extraction'


def model_card(meta: Mapping[str, Any], load: str) -> dict[str, Any]:
    """What the page of a model says, in the terms of timm.

    Args:
        meta (Mapping): The metadata of the export.
        load (str): The code that opens the model.

    Returns:
        dict[str, Any]: For ``model_card`` of ``timm.models.push_to_hf_hub``.
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

    Args:
        name (str): ``USER/NAME`` on the Hugging Face Hub.

    Raises:
        ValueError: If it is no such name, or nobody is logged in.
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
            f'--push {name}: nobody is logged in to the Hugging Face Hub. Run '
            '`hf auth login`, or set HF_TOKEN'
        )


def push(folder: str | PathLike, name: str, public: bool = False) -> str:
    """Put an exported folder on the Hugging Face Hub, by timm's function.

    Args:
        folder (str or PathLike): What :class:`TimmFolder` has written.
        name (str): ``USER/NAME``.
        public (bool): Whether everybody may see it. Defaults to False. A
            repository that is there stays as it is.

    Returns:
        str: The address.

    Raises:
        RuntimeError: If the Hub cannot be reached, or refuses.
    """
    path = Path(fspath(folder)).expanduser()
    config = json.loads((path / 'config.json').read_text(encoding='utf-8'))
    meta = config['aemim_mm']
    model = timm.create_model(f'local-dir:{path}', pretrained=True)
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
