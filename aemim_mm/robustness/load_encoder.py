# Copyright (c) aemim_mm contributors. All rights reserved.
"""The encoder of a pre-training run, as a model that returns features."""

import os.path as osp
from collections.abc import Mapping
from typing import Any

from ..checkpoints import read_checkpoint
from ..checkpoints.normalization import swaps_channels
from ..config_check import registries
from ..evaluation import FrozenEncoder, PixelClassifier
from ..utils import type_name
from ..utils.signatures import default_of
from .evaluated_classifier import EvaluatedClassifier
from .load_classifier import (
    as_text,
    build_model,
    check_pixels,
    image_size,
    load_weights,
    model_of,
    read_model_config,
)


def load_config_encoder(
    config: str,
    checkpoint: str,
    input_size: int | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    device: str = 'cpu',
    pooling: str | None = None,
) -> EvaluatedClassifier:
    """Build the backbone of a config and load its weights, clean ones alone.

    The features of an encoder that was fine-tuned with
    ``out_type='avg_featmap'`` are those of its classifier. An encoder of timm
    is :func:`load_timm_classifier` with the option ``num_classes=0``.

    Args:
        config (str): Config of pre-training, or of a classifier. Only
            ``model.backbone`` and ``data_preprocessor`` count.
        checkpoint (str): Path or URL of the weights, keys below
            ``backbone.``. Adversarial adapters (``adv.*``) are left out.
        input_size (int, optional): Size of its images. None means the
            backbone's ``img_size``, else 224. Defaults to None.
        cfg_options (Mapping, optional): Changes to the config. Defaults to
            None.
        device (str): Where it runs. Defaults to 'cpu'.
        pooling (str, optional): As of :class:`FrozenEncoder`. Defaults to
            None.

    Returns:
        EvaluatedClassifier: Its model returns features, (N, D).

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the config has no backbone or no mean and std, the
            checkpoint does not fit or was trained on pixels of another mean
            and std, the backbone does not encode whole images, or its class
            token was not trained and is to be taken.
    """
    whole = read_model_config(config, cfg_options)
    cfg = model_of(whole)
    if cfg.get('backbone') is None:
        raise ValueError(f'the model of {config} has no backbone')
    pixels = cfg.get('data_preprocessor') or {}
    if pixels.get('mean') is None or pixels.get('std') is None:
        raise ValueError(f'the data_preprocessor of {config} has no mean, std')
    backbone = cfg.backbone
    out_type = out_type_of(backbone)
    if out_type == 'avg_featmap':
        if pooling == 'token':
            raise ValueError(
                f'pooling is token, but {config} classifies the mean of the '
                "patches (out_type='avg_featmap'), so that its class token "
                'means nothing: take pooling avg'
            )
    elif out_type is not None:
        # All tokens, after the last norm
        backbone.out_type = 'raw'
    description = as_text(dict(backbone=backbone, pooling=pooling))
    model = build_model(config, backbone)
    content = read_checkpoint(checkpoint, 'cpu')
    load_weights(model, checkpoint, content, 'backbone.')
    check_pixels(checkpoint, content, whole)
    mean, std = (
        [value / 255 for value in pixels[name]] for name in ('mean', 'std')
    )
    encoder = FrozenEncoder(model, pooling).to(device)
    found = EvaluatedClassifier(
        name=osp.splitext(osp.basename(config))[0],
        model=PixelClassifier(
            encoder, mean, std, bgr=not swaps_channels(pixels)
        ),
        input_size=input_size or image_size(cfg),
        checkpoint=checkpoint,
        description=description,
        head=dict(pooling=encoder.resolved_pooling),
    )
    try:
        found.num_classes()
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f'{config}: {type_name(backbone.type)} does not encode whole '
            f'images of {found.input_size} pixels ({error}). Its plain class '
            'may: put that into the config, as for fine-tuning'
        ) from error
    return found


def out_type_of(backbone: Mapping[str, Any]) -> str | None:
    """What a ViT of mmpretrain returns, by its config or its default.

    Args:
        backbone (Mapping): The config, with a ``type``.

    Returns:
        str | None: ``'raw'``, ``'cls_token'``, ``'featmap'`` or
        ``'avg_featmap'``; None of another kind of backbone.
    """
    kind = registries.first('model', backbone['type'], 'mmpretrain')
    if not isinstance(kind, type) or 'raw' not in getattr(
        kind, 'OUT_TYPES', ()
    ):
        return None
    return backbone.get('out_type', default_of(kind, 'out_type'))
