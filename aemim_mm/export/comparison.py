# Copyright (c) aemim_mm contributors. All rights reserved.
"""Does the model that loads the export compute what the source computes?"""

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from mmpretrain.registry import MODELS
from torch import Tensor

from .architecture import Architecture
from .mmpretrain_library import MMPretrain, filled
from .source import Source
from .targets import in_library


@torch.no_grad()
def compare(
    source: Source, architecture: Architecture, target: str, path: Path
) -> dict[str, float]:
    """Load the file into the target's model, and compare on random images.

    Both models are float32 and in evaluation mode, whatever type the weights
    are stored in. mmengine reads no file: both get what this package reads.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Of its encoder.
        target (str): One of ``TARGETS``.
        path (Path): The exported file or folder.

    Returns:
        dict[str, float]: What was compared, and the largest absolute
        difference.

    Raises:
        ValueError: If the target's library is not installed, or its model
            does not take every tensor of the file.
    """
    library = in_library(source, architecture, target, path.is_dir())
    images = torch.randn(
        (2, architecture.in_channels, *library.image_size),
        generator=torch.Generator().manual_seed(0),
    )
    got = library.outputs(path, images)
    every = features_of(source, architecture, images, library.maps)
    wanted = dict(features=every[library.compared])
    if 'logits' in got:
        wanted['logits'] = [logits_of(source, architecture, images)]
    return {name: difference(wanted[name], got[name]) for name in got}


@torch.no_grad()
def features_of(
    source: Source, architecture: Architecture, images: Tensor, maps: bool
) -> list[Tensor]:
    """What the checkpoint's encoder computes, of the class in its config.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Where there is no config, it serves.
        images (Tensor): Normalised images, (B, C, H, W).
        maps (bool): Whether a ViT gives maps, not tokens.

    Returns:
        list[Tensor]: Of every block, or stage with a norm, unmasked.

    Raises:
        ValueError: If the config describes another model.
    """
    cfg = source.config_of('backbone') or architecture.backbone()
    cfg.pop('init_cfg', None)
    cfg.update(architecture.all_outputs(maps))
    encoder, plain = MODELS.build(cfg), architecture.plain
    if not isinstance(encoder, plain):
        raise ValueError(
            f'{type(encoder).__name__} is not a {plain.__name__}: its '
            'features cannot be compared. Export without --check'
        )
    filled(encoder, source.encoder, source.path)
    # `forward` of a class for pre-training may mask.
    return list(plain.forward(encoder, images))


@torch.no_grad()
def logits_of(
    source: Source, architecture: Architecture, images: Tensor
) -> Tensor:
    """What the fine-tuned classifier computes, as its config describes it.

    Args:
        source (Source): The checkpoint of a fine-tuned model.
        architecture (ViT | Swin): Where there is no config, it serves.
        images (Tensor): Normalised images, (B, C, H, W).

    Returns:
        Tensor: The logits, (B, K).

    Raises:
        ValueError: If the config describes another model.
    """
    own = MMPretrain(source, architecture)
    cfg = copy.deepcopy(dict(source.model))
    if cfg:
        cfg['backbone'].pop('init_cfg', None)
        for name in ('train_cfg', 'init_cfg', 'pretrained'):
            cfg.pop(name, None)
        # mean, std and batch augmentations take no part here
        cfg['data_preprocessor'] = dict(type='mmpretrain.ClsDataPreprocessor')
    model = MODELS.build(cfg or own.classifier_config())
    return filled(model, own.weights(), source.path)(images)


def difference(wanted: Sequence[Tensor], got: Sequence[Tensor]) -> float:
    """The largest absolute difference of outputs.

    Args:
        wanted (Sequence[Tensor]): Of the source.
        got (Sequence[Tensor]): Of what was written, as many.

    Returns:
        float: The difference; NaN if there is one.
    """
    return float(
        torch.stack(
            [(w - g).abs().max() for w, g in zip(wanted, got, strict=True)]
        ).max()
    )
