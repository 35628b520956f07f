# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tiny files of other libraries, made by timm."""

import timm
import torch
from export_zoo import SWIN, randomised
from mmengine.config import Config
from timm.models.vision_transformer import Block
from torch import nn

# Heads as in `usual`: a table knows 192 channels and 12 layers only, so tests
# name the others by a config.
WIDTH, LAYERS, HEADS = 32, 2, 2
VIT = dict(
    img_size=32, patch_size=8, embed_dim=WIDTH, depth=LAYERS, num_heads=HEADS
)
CONFIG = dict(
    model=dict(
        backbone=dict(
            type='VisionTransformer',
            arch=dict(
                embed_dims=WIDTH,
                num_layers=LAYERS,
                num_heads=HEADS,
                feedforward_channels=4 * WIDTH,
            ),
            img_size=32,
            patch_size=8,
        )
    )
)


def timm_vit(**options):
    """A random ViT of timm, in evaluation mode."""
    options = {'num_classes': 0, **VIT, **options}
    model = timm.create_model('vit_small_patch16_224', **options)
    return randomised(model).eval()


def timm_swin(**options):
    """A random Swin Transformer of timm, in evaluation mode."""
    options = {'num_classes': 0, 'img_size': 64, 'window_size': 2, **options}
    model = timm.create_model(
        'swin_tiny_patch4_window7_224',
        embed_dim=SWIN['embed_dims'],
        depths=SWIN['depths'],
        num_heads=SWIN['num_heads'],
        **options,
    )
    return randomised(model).eval()


class MAEDecoder(nn.Module):
    """Names and shapes of MAE's decoder, over timm's blocks.

    As ``models_mae.py`` of facebookresearch/mae names them.
    """

    def __init__(self, width=48, depth=2, heads=16, patches=16, pixels=192):
        super().__init__()
        self.decoder_embed = nn.Linear(WIDTH, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.decoder_pos_embed = nn.Parameter(
            torch.zeros(1, patches + 1, width)
        )
        self.decoder_blocks = nn.ModuleList(
            Block(width, heads, 4.0, qkv_bias=True) for _ in range(depth)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.decoder_pred = nn.Linear(width, pixels)


def mae_weights(decoder=True):
    """What a file of MAE holds below ``model``."""
    weights = dict(timm_vit().state_dict())
    if decoder:
        weights.update(randomised(MAEDecoder(), seed=1).state_dict())
    return weights


def write_mae(folder):
    """A file of MAE, and a config that tells its heads."""
    file, config = folder / 'mae.pth', folder / 'config.py'
    torch.save(dict(model=mae_weights()), file)
    Config(CONFIG).dump(str(config))
    return file, config


def simmim_weights():
    """What a file of SimMIM holds below ``model``.

    Microsoft's Swin Transformer has the names of timm's, but merges patches
    at the end of a stage, and stores constants.
    """
    weights = {}
    for key, value in timm_swin().state_dict().items():
        first, stage, *rest = key.split('.')
        if rest[:1] == ['downsample']:
            key = '.'.join([first, str(int(stage) - 1), *rest])
        weights[f'encoder.{key}'] = value
    weights['encoder.layers.0.blocks.1.attn_mask'] = torch.zeros(64, 4, 4)
    table = 'encoder.layers.0.blocks.0.attn.relative_position_index'
    weights[table] = torch.zeros(4, 4, dtype=torch.int64)
    generator = torch.Generator().manual_seed(1)
    for key, shape in (
        ('encoder.mask_token', (1, 1, 8)),
        ('decoder.0.weight', (3072, 64, 1, 1)),
        ('decoder.0.bias', (3072,)),
    ):
        weights[key] = torch.randn(shape, generator=generator)
    return weights
