# Copyright (c) aemim_mm contributors. All rights reserved.
"""Does the model that loads the export compute what the source computes?"""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import timm
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from mmengine.runner import load_checkpoint
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ..checkpoints import safe_loading
from .architecture import Architecture
from .classifier import classifier_config
from .files import load_export
from .openmmlab import mmdet_backbone
from .reference import classifier_of, encoder_of, features
from .source import Source
from .targets import timm_model
from .vit import ViT

LIMIT = 1e-4
_PREFIX = 'backbone.'


@contextmanager
def _quiet() -> Iterator[None]:
    """Without mmengine's lines about every tensor that it loads."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


def compare(
    source: Source,
    architecture: Architecture,
    target: str,
    path: Path,
    seed: int = 0,
) -> dict[str, float]:
    """Load the file into the target's model, and compare on random images.

    Both models are float32 and in evaluation mode, whatever type the weights
    are stored in.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Of its encoder.
        target (str): One of ``TARGETS``.
        path (Path): The exported file.
        seed (int): Of the two images. Defaults to 0.

    Returns:
        dict[str, float]: What was compared, and the largest absolute
        difference.

    Raises:
        ValueError: If the target's library is not installed, or its model
            does not take every tensor of the file.
    """
    height, width = architecture.img_size
    if target == 'mmdet' and not isinstance(architecture, ViT):
        # mmdet shifts windows also where the map is a single window.
        height, width = 2 * height, 2 * width
    images = torch.randn(
        (2, architecture.in_channels, height, width),
        generator=torch.Generator().manual_seed(seed),
    )
    with _quiet(), safe_loading():
        return _compare(source, architecture, target, path, images)


@torch.no_grad()
def _compare(
    source: Source,
    architecture: Architecture,
    target: str,
    path: Path,
    images: Tensor,
) -> dict[str, float]:
    wanted = features(encoder_of(source, architecture), images)
    if target == 'timm':
        model = _timm_model(source, architecture, path)
        got = [model.forward_features(images)]
        if not isinstance(architecture, ViT):
            got = [got[0].permute(0, 3, 1, 2)]
        wanted = wanted[-1:]
    elif target == 'mmdet':
        model = _mm_backbone(
            _mmdet_registry(), mmdet_backbone, architecture, path
        )
        got = list(model(images))
        if isinstance(architecture, ViT):
            # (B, 1 + L, C) to (B, C, H, W)
            wanted = [
                w[:, 1:].transpose(1, 2).reshape(g.shape)
                for w, g in zip(wanted, got, strict=True)
            ]
    else:
        model = _mm_backbone(MODELS, _mmpretrain_backbone, architecture, path)
        got = features(model, images)
    differences = {'features': _difference(wanted, got)}
    if source.head and target != 'mmdet':
        if target == 'mmpretrain':
            cfg = classifier_config(source, architecture)
            model = MODELS.build(cfg)
            load_checkpoint(model, str(path), map_location='cpu', strict=True)
            model.eval()
        logits = classifier_of(source, architecture)(images)
        differences['logits'] = _difference([logits], [model(images)])
    return differences


def _difference(wanted: list[Tensor], got: list[Tensor]) -> float:
    """The largest absolute difference; NaN if there is one."""
    return float(
        torch.stack(
            [(w - g).abs().max() for w, g in zip(wanted, got, strict=True)]
        ).max()
    )


def _timm_model(
    source: Source, architecture: Architecture, path: Path
) -> nn.Module:
    weights, _ = load_export(path)
    bias = weights.get('head.bias', weights.get('head.fc.bias'))
    name, kwargs = timm_model(architecture, 0 if bias is None else len(bias))
    # Strict: every tensor of the model comes from the file, and vice versa.
    model = timm.create_model(name, checkpoint_path=str(path), **kwargs)
    return model.eval()


def _mmpretrain_backbone(architecture: Architecture) -> dict:
    if isinstance(architecture, ViT):
        return architecture.backbone(
            out_type='raw', out_indices=list(range(architecture.num_layers))
        )
    return architecture.backbone()


def _mmdet_registry():
    try:
        from mmdet.registry import MODELS as registry
        from mmdet.utils import register_all_modules
    except ImportError as error:
        raise ValueError(
            f'--check for mmdet needs mmdet with compiled ops of mmcv '
            f'({error}): see docs/install.md. Or export without --check'
        ) from error
    register_all_modules(init_default_scope=False)
    return registry


def _mm_backbone(registry, config, architecture, path: Path) -> nn.Module:
    """A backbone that has loaded the file by its ``init_cfg``."""
    cfg = ConfigDict(config(architecture))
    cfg.init_cfg = ConfigDict(type='Pretrained', checkpoint=str(path))
    if cfg.type != 'mmdet.SwinTransformer':  # takes that prefix by itself
        cfg.init_cfg.prefix = _PREFIX
    model = registry.build(cfg)
    model.init_weights()
    weights = {
        key.removeprefix(_PREFIX)
        for key in load_export(path)[0]
        if key.startswith(_PREFIX) and not key.startswith(f'{_PREFIX}ln2.')
    }
    own = {
        key
        for key in model.state_dict()
        if not key.endswith('relative_position_index')
    }
    left = own ^ {k for k in weights if not k.endswith('position_index')}
    if left:
        raise ValueError(
            f'{path}: model and file differ in {sorted(left)[:3]}. The '
            'export is not complete'
        )
    model.eval()
    return model
