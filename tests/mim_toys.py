# Copyright (c) aemim_mm contributors. All rights reserved.
"""A tiny model of every MIM method of mmpretrain, and a batch for it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import _mim_pyramid_cfgs as pyramid
import _mim_targets  # noqa: F401  registers ToyDALLE and ToyCLIP
import _mim_vit_cfgs as vit
import torch
from _mim_vit_cfgs import ARCH, mae_cfg  # noqa: F401
from mmpretrain.structures import DataSample
from pixels import MEAN, STD, column, images  # noqa: F401
from torch import Tensor

import aemim_mm  # noqa: F401  registers the backbones and necks


@dataclass(frozen=True)
class Toy:
    """A method at its smallest.

    Args:
        method (str): Name of the algorithm in ``MODELS``.
        cfg (dict): Its stock arguments. Copy it deeply before building: some
            stock classes write into their arguments.
        views (int): 1, or 2 where the inputs are a list of the source view
            and the target view.
        mask (Callable, optional): From a generator to the mask of one image,
            in the shape and type of the stock data pipeline. None where the
            method draws its mask itself.
        size (int): Side of the image, in pixels.
        batch_norm (bool): Whether statistics of the batch enter the loss:
            with a subset of its rows another loss comes out.
        encoder_batch_norm (bool): The same of the encoder's features.
        stock (dict[str, str], optional): By part, the counterpart in
            mmpretrain of a class of this package.
        untrained (tuple[str]): Parameters that the stock method hands to the
            optimizer but whose gradient is zero.
    """

    method: str
    cfg: dict
    views: int = 1
    mask: Callable[[torch.Generator], Tensor] | None = None
    size: int = 32
    batch_norm: bool = False
    encoder_batch_norm: bool = False
    stock: dict[str, str] | None = None
    untrained: tuple[str, ...] = ()


def _grid_mask(
    generator: torch.Generator, cells: int, masked: int, scale: int = 1
) -> Tensor:
    """Whole numbers (cells * scale, cells * scale): 1 in ``masked`` cells.

    This is how ``BEiTMaskGenerator`` and ``SimMIMMaskGenerator`` hand it on;
    the cells come from the generator alone.
    """
    mask = torch.zeros(cells * cells, dtype=torch.int64)
    mask[torch.randperm(cells * cells, generator=generator)[:masked]] = 1
    mask = mask.view(cells, cells)
    return mask.repeat_interleave(scale, 0).repeat_interleave(scale, 1)


_TOKENS = partial(_grid_mask, cells=4, masked=8)

METHODS: dict[str, Toy] = {
    'MAE-stock-backbone': Toy('MAE', mae_cfg('MAEViT')),
    'MAE-DualNormViT': Toy(
        'MAE',
        mae_cfg('DualNormViT', masked=True),
        stock=dict(
            backbone='MAEViT',
            neck='MAEPretrainDecoder',
            head='MAEPretrainHead',
        ),
    ),
    'MAE-HiViT': Toy('MAE', pyramid.mae_hivit_cfg()),
    'MAE-HiViT-NoCls': Toy(
        'MAE', pyramid.mae_hivit_cfg('MAEPretrainDecoderNoCls')
    ),
    'MFF': Toy('MFF', vit.mff_cfg()),
    'SimMIM': Toy(
        'SimMIM',
        pyramid.simmim_cfg(),
        # Each final cell (32 x 32 pixels) has masked and visible parts.
        mask=partial(_grid_mask, cells=4, masked=10, scale=4),
        size=64,
    ),
    'MaskFeat': Toy(
        'MaskFeat',
        vit.maskfeat_cfg(),
        mask=partial(_grid_mask, cells=14, masked=78),
        size=56,
    ),
    'BEiT-v1': Toy('BEiT', vit.beit_v1_cfg(), views=2, mask=_TOKENS),
    'BEiT-v2': Toy('BEiT', vit.beit_v2_cfg(), views=2, mask=_TOKENS),
    'CAE': Toy(
        'CAE',
        vit.cae_cfg(),
        views=2,
        mask=_TOKENS,
        # A constant added to every key changes no softmax.
        untrained=tuple(
            f'neck.regressors.{i}.norm1_k_cross.bias' for i in (0, 1)
        ),
    ),
    'CIM': Toy('CIM', vit.cim_cfg(), views=2),
    'MILAN': Toy('MILAN', vit.milan_cfg()),
    'EVA': Toy('EVA', vit.eva_cfg()),
    'MixMIM': Toy('MixMIM', pyramid.mixmim_cfg(), size=64),
    'iTPN-pixel': Toy('iTPN', pyramid.itpn_pixel_cfg()),
    'iTPN-CLIP': Toy('iTPN', pyramid.itpn_clip_cfg(), views=2, mask=_TOKENS),
    'SparK-ResNet': Toy(
        'SparK',
        pyramid.spark_resnet_cfg(),
        size=64,
        batch_norm=True,
        encoder_batch_norm=True,
    ),
    # The encoder has layer norms; the batch norms are in the decoder.
    'SparK-ConvNeXt': Toy(
        'SparK', pyramid.spark_convnext_cfg(), size=64, batch_norm=True
    ),
}


def batch(
    toy: str, num: int = 4, seed: int = 0
) -> tuple[Tensor | list[Tensor], list[DataSample] | None]:
    """What a data pipeline and preprocessor hand to ``loss()``.

    Args:
        toy (str): Key of ``METHODS``.
        num (int): Number of images B. Defaults to 4.
        seed (int): Of the images and masks. Defaults to 0.

    Returns:
        tuple: Normalised images (B, 3, H, W), or a list of two such views of
        different content, and data samples with a mask each, or None where
        the method needs none.
    """
    model = METHODS[toy]
    views = [
        images(num, seed + 1000 * view, model.size)
        for view in range(model.views)
    ]
    inputs = views if model.views > 1 else views[0]
    if model.mask is None:
        return inputs, None
    generator = torch.Generator().manual_seed(seed)
    masks = [model.mask(generator) for _ in range(num)]
    return inputs, [DataSample().set_mask(mask) for mask in masks]
