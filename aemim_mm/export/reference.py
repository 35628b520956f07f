# Copyright (c) aemim_mm contributors. All rights reserved.
"""The model of the checkpoint itself, to compare an export with."""

import copy

import torch
from mmpretrain.models import SwinTransformer, VisionTransformer
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from .architecture import Architecture, backbone_config
from .classifier import classifier_config
from .openmmlab import mmpretrain_weights
from .source import Source
from .vit import ViT

# In the pre-training class alone; the export leaves it behind.
_MASK_TOKEN = 'mask_token'


def encoder_of(source: Source, architecture: Architecture) -> nn.Module:
    """The encoder, of the class that the config names.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Of its encoder; it builds the encoder
            where there is no config.

    Returns:
        nn.Module: In evaluation mode, float32, giving all tokens of every
        block (ViT) or the maps of the stages with a norm (Swin).

    Raises:
        ValueError: If the config describes another model.
    """
    cfg = backbone_config(source.config) or architecture.backbone()
    cfg.pop('init_cfg', None)
    weights = source.encoder
    if isinstance(architecture, ViT):
        cfg['out_type'] = 'raw'
        cfg['out_indices'] = list(range(architecture.num_layers))
        weights = {k: v for k, v in weights.items() if k[:4] != 'ln2.'}
    else:
        cfg['out_indices'] = architecture.norms
    return _loaded(MODELS.build(cfg), weights, source)


def classifier_of(source: Source, architecture: Architecture) -> nn.Module:
    """The fine-tuned classifier, as the config describes it.

    Args:
        source (Source): The checkpoint of a fine-tuned model.
        architecture (ViT | Swin): Of its encoder.

    Returns:
        nn.Module: In evaluation mode, float32.

    Raises:
        ValueError: If the config describes another model.
    """
    cfg = classifier_config(source, architecture)
    if source.config.get('model'):
        cfg = copy.deepcopy(dict(source.config['model']))
        cfg['backbone'].pop('init_cfg', None)
        for name in ('train_cfg', 'init_cfg', 'pretrained'):
            cfg.pop(name, None)
        # mean, std and batch augmentations take no part here
        cfg['data_preprocessor'] = dict(type='mmpretrain.ClsDataPreprocessor')
    return _loaded(MODELS.build(cfg), mmpretrain_weights(source), source)


def _loaded(
    model: nn.Module, weights: dict[str, Tensor], source: Source
) -> nn.Module:
    problem = ''
    try:
        missing, unexpected = model.load_state_dict(weights, strict=False)
        missing = [k for k in missing if k != _MASK_TOKEN and k[:4] != 'adv.']
        if missing or unexpected:
            problem = f'missing {missing[:3]}, unexpected {unexpected[:3]}'
    except RuntimeError as error:
        problem = str(error)
    if problem:
        raise ValueError(
            f'{source.path} does not fit the model of its config: {problem}. '
            'Pass the config file of the run with --config'
        )
    model.eval()
    return model


@torch.no_grad()
def features(encoder: nn.Module, images: Tensor) -> list[Tensor]:
    """Unmasked features of a ViT or a Swin Transformer.

    Args:
        encoder (nn.Module): A ``VisionTransformer`` or ``SwinTransformer``
            of mmpretrain, or of a class derived from them for pre-training.
        images (Tensor): Normalised images, (B, C, H, W).

    Returns:
        list[Tensor]: What the plain class gives: of pre-training classes
        ``forward`` may mask.
    """
    for plain in (VisionTransformer, SwinTransformer):
        if isinstance(encoder, plain):
            return list(plain.forward(encoder, images))
    raise ValueError(
        f'{type(encoder).__name__} is neither a VisionTransformer nor a '
        'SwinTransformer: its features cannot be compared. Export without '
        '--check'
    )
