# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmpretrain, whose keys a checkpoint has."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.registry import Registry
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from .export_file import load_export
from .library import Library

_PREFIX = 'backbone.'
# The layer that gives the logits, and the class of a head that has it.
_HEADS = {'fc': 'LinearClsHead', 'layers.head': 'VisionTransformerClsHead'}
# What a model may have that its weights lack.
_OWN = re.compile(r'^mask_token$|^adv\.|relative_position_index$')


class MMPretrain(Library):
    """The clean encoder under ``backbone.``, and the classifier if any."""

    def weights(self) -> dict[str, Tensor]:
        """Of encoder, neck and head, by the checkpoint's keys."""
        source = self.source
        parts = dict(
            backbone=source.encoder, neck=source.neck, head=source.head
        )
        return {
            f'{part}.{key}': value
            for part, weights in parts.items()
            for key, value in weights.items()
        }

    def load_code(self, out: str) -> str:
        """The ``init_cfg`` of a backbone."""
        return (
            "model.backbone.init_cfg=dict(type='Pretrained', "
            f'checkpoint={out!r}, prefix={_PREFIX!r})'
        )

    def outputs(self, path: Path, images: Tensor) -> dict[str, list[Tensor]]:
        """The features of every block or stage, and the logits."""
        weights, _ = load_export(path)
        encoder = self.registry().build(self.encoder_config())
        part = {
            key.removeprefix(_PREFIX): value
            for key, value in weights.items()
            if key.startswith(_PREFIX)
        }
        outputs = dict(features=list(filled(encoder, part, path)(images)))
        if any(key.startswith('head.') for key in weights):
            classifier = MODELS.build(self.classifier_config())
            outputs['logits'] = [filled(classifier, weights, path)(images)]
        return outputs

    def registry(self) -> Registry:
        """Where the encoder is built."""
        return MODELS

    def encoder_config(self) -> dict[str, Any]:
        """The config of the encoder that gives the output of every block."""
        architecture = self.architecture
        return architecture.backbone(**architecture.all_outputs(self.maps))

    def classifier_config(self) -> dict[str, Any]:
        """The config of the classifier, told from the weights alone."""
        head, norm = self.source.head, self.source.neck
        name = next(name for name in _HEADS if f'{name}.weight' in head)
        num_classes, channels = head[f'{name}.weight'].shape
        cfg: dict[str, Any] = dict(num_classes=num_classes)
        hidden = head.get('layers.pre_logits.weight')
        if hidden is None:
            cfg.update(in_channels=channels)
        else:
            cfg.update(in_channels=hidden.shape[1], hidden_dim=channels)
        neck = self.architecture.neck
        if norm:
            neck = dict(
                type='mmpretrain.ClsBatchNormNeck',
                input_features=channels,
                affine='bn.weight' in norm,
                eps=self.source.config_of('neck').get('eps', 1e-6),
            )
        return dict(
            type='mmpretrain.ImageClassifier',
            backbone=self.architecture.backbone(),
            neck=neck,
            head=dict(type=f'mmpretrain.{_HEADS[name]}', **cfg),
        )


def filled(
    model: nn.Module, weights: Mapping[str, Tensor], path: Path
) -> nn.Module:
    """Put weights into a model, all of them and none left over.

    The model is in evaluation mode then. Left aside are what only pre-training
    has (mask token, adapters), the norm of the pooled tokens where the model
    does not pool, and the index of relative positions, which a model makes
    itself. ValueError, which names the path, if the two do not belong
    together.
    """
    problem = ''
    try:
        keys = model.load_state_dict(weights, strict=False)
        missing = [k for k in keys.missing_keys if not _OWN.search(k)]
        unexpected = [
            k
            for k in keys.unexpected_keys
            if k[:4] != 'ln2.' and k != 'mask_token'
        ]
        if missing or unexpected:
            problem = f'missing {missing[:3]}, unexpected {unexpected[:3]}'
    except RuntimeError as error:
        problem = str(error)
    if problem:
        raise ValueError(
            f'{path} does not fit this {type(model).__name__}: {problem}. It '
            'is incomplete, or the config is of another model: pass the '
            'config file of the run with --config'
        )
    model.eval()  # gives None for a backbone
    return model
