# Copyright (c) aemim_mm contributors. All rights reserved.
"""A folder that timm opens by name."""

from collections.abc import Iterator, Mapping
from os import fspath
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import save_for_hf
from timm.models._hub import generate_readme
from torch import Tensor

from ..utils import type_name
from .hub import model_card, task
from .timm_library import Timm, outputs_of, with_types_of

# Resize the short edge to 256, crop 224: the recipes here.
_RECIPES = dict(crop_pct=0.875, crop_mode='center', interpolation='bicubic')


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
        """Write the folder, new or empty, of weights by timm's keys."""
        model = self.build()
        model.load_state_dict(weights, strict=True)
        save_for_hf(
            with_types_of(model, weights),
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
            **evaluated_images(self.source.config),
            **known,
        )
        return dict(pretrained_cfg=cfg, aemim_mm=dict(meta))

    @torch.no_grad()
    def outputs(self, path: Path, images: Tensor) -> dict[str, list[Tensor]]:
        """The last features, and the logits, of the model from the folder."""
        model = timm.create_model(f'local-dir:{path}', pretrained=True)
        return outputs_of(model.float().eval(), images, bool(self._head))


def evaluated_images(config: Mapping[str, Any]) -> dict[str, Any]:
    """How images become the input, in timm's words.

    From the pipeline of the test or the validation; that of the recipes here
    where there is none.
    """
    for name in ('test_dataloader', 'val_dataloader'):
        loader = config.get(name)
        dataset = loader.get('dataset') if isinstance(loader, Mapping) else {}
        steps = {type_name(step.get('type')): step for step in _steps(dataset)}
        if steps:
            return {**_RECIPES, **_resized(steps)}
    return _RECIPES


def _resized(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    crop = steps.get('CenterCrop', {}).get('crop_size')
    # Without a crop the whole image is seen.
    told: dict[str, Any] = {} if crop else dict(crop_pct=1.0)
    for kind in ('ResizeEdge', 'Resize'):
        step = steps.get(kind)
        if step is None:
            continue
        method = step.get('interpolation', 'bilinear')
        told['interpolation'] = 'box' if method == 'area' else method
        scale = step.get('scale')
        if isinstance(scale, tuple | list) and len(set(scale)) == 1:
            scale = scale[0]
        if isinstance(scale, int) and isinstance(crop, int):
            told['crop_pct'] = round(crop / scale, 4)
        if kind == 'Resize' and not step.get('keep_ratio', False):
            told['crop_mode'] = 'squash'
        break
    return told


def _steps(dataset: Any) -> Iterator[Mapping[str, Any]]:
    pipeline = dataset.get('pipeline') if isinstance(dataset, Mapping) else ()
    for step in pipeline or ():
        if isinstance(step, Mapping):
            yield step
