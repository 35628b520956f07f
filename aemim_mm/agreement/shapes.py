# Copyright (c) aemim_mm contributors. All rights reserved.
"""Sizes that two parts of a model, or the model and its images, state."""

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from mmpretrain.models import (
    BEiTViT,
    ClsBatchNormNeck,
    GlobalAveragePooling,
    LinearClsHead,
    MAEPretrainDecoder,
    MAEPretrainHead,
    SwinTransformer,
    VisionTransformer,
    VisionTransformerClsHead,
)

from ..config_check import registries
from ..utils import type_name
from ..utils.signatures import default_of
from .disagreement import Disagreement
from .names import inner_datasets
from .run import Run

# Transforms after which images have this size, by the key that says it.
CROPS = {
    'RandomResizedCrop': 'scale',
    'FastRandomResizedCrop': 'scale',
    'RandomResizedCropAndInterpolationWithTwoPic': 'size',
    'CenterCrop': 'crop_size',
    'FitToEncoder': 'img_size',
    'RandomCrop': 'crop_size',
    'torchvision/RandomResizedCrop': 'size',
    'torchvision/CenterCrop': 'size',
    'torchvision/RandomCrop': 'size',
}
# Keys of `patch_cfg` that make another number of patches.
CONV = {'kernel_size', 'stride', 'padding', 'dilation'}


class Part(NamedTuple):
    """A part of the model.

    Attributes:
        key (str): Its place in the config.
        kind (type): Its class.
        config (Mapping): Its config.
    """

    key: str
    kind: type
    config: Mapping

    def is_a(self, *kinds: type) -> bool:
        """Whether its class is one of these or made from one."""
        return issubclass(self.kind, kinds)

    def get(self, name: str) -> Any:
        """An argument's value, the constructor's default if it is not set."""
        if name in self.config:
            return self.config[name]
        return default_of(self.kind, name)

    def says(self, name: str) -> str:
        """An argument as it stands in the config, for a message."""
        unset = '' if name in self.config else ' (the default)'
        return f'{self.key}.{name}={self.get(name)}{unset}'


def decoder_fits_encoder(run: Run) -> None:
    """Decoder and head of MAE's kind have the sizes of the encoder."""
    encoder, decoder = _part(run, 'backbone'), _part(run, 'neck')
    if not encoder or not encoder.is_a(VisionTransformer):
        return
    if not decoder or not decoder.is_a(MAEPretrainDecoder):
        return
    if encoder.get('mask_ratio') == 0:
        raise Disagreement(
            f'{encoder.says("mask_ratio")} masks nothing, but {decoder.key} '
            f'of type {decoder.kind.__name__} reconstructs what is masked. '
            f'Set {encoder.key}.mask_ratio above 0.'
        )
    _check_width(encoder, decoder, 'embed_dim')
    patch, image = encoder.get('patch_size'), encoder.get('img_size')
    if not CONV & {*encoder.config.get('patch_cfg', ())}:
        (height, width), (rows, columns) = _pair(image), _pair(patch)
        grid = height // rows, width // columns
        for part in (decoder, _part(run, 'head')):
            _check_shape(part, encoder, square=grid[0] == grid[1])
        if decoder.get('img_size') is None:
            _check(
                decoder,
                'num_patches',
                grid[0] * grid[1],
                f'{encoder.says("img_size")} in patches of {patch} pixels '
                'gives',
            )
    for part in (decoder, _part(run, 'head')):
        if part and part.is_a(MAEPretrainDecoder, MAEPretrainHead):
            _check(part, 'patch_size', patch, f'{encoder.key}.patch_size is')


def head_fits_encoder(run: Run) -> None:
    """A classifier's head takes as many features as the encoder gives."""
    encoder, neck = _part(run, 'backbone'), _part(run, 'neck')
    head = _part(run, 'head')
    if not encoder:
        return
    if neck and neck.is_a(ClsBatchNormNeck):
        _check_width(encoder, neck, 'input_features')
    elif neck and not neck.is_a(GlobalAveragePooling):
        return
    if head and head.is_a(LinearClsHead, VisionTransformerClsHead):
        _check_width(encoder, head, 'in_channels')


def images_fit_masks(run: Run) -> None:
    """Masks belong to images of the size that the run cuts out.

    A classifier resizes its position embedding to its images; what masks
    patches cannot.
    """
    encoder = _part(run, 'backbone')
    for place, config in inner_datasets(run, 'train'):
        key, cut = _images_cut(place, config)
        if encoder and encoder.get('mask_ratio'):
            size = encoder.get('img_size')
            _check_cut(key, cut, encoder.says('img_size'), size)


def _images_cut(place: str, config: Mapping) -> tuple[str | None, Any]:
    """Key and size of the images that a data set gives, None if unknown."""
    cut = key = None
    for index, transform in enumerate(config.get('pipeline') or ()):
        kind = type_name(transform['type'])
        path = f'{place}.pipeline.{index}'
        if kind == 'SimMIMMaskGenerator':
            size = transform.get('input_size', 192)
            _check_cut(key, cut, f'{path}.input_size={size}', size)
        elif CROPS.get(kind) in transform:
            key, cut = f'{path}.{CROPS[kind]}', transform[CROPS[kind]]
            if kind == 'CenterCrop' and not isinstance(cut, int):
                # mmcv's, which takes the width first
                key, cut = f'{key}[::-1]', tuple(cut[::-1])
        elif 'Resize' in kind:
            key = cut = None
    return key, cut


def _part(run: Run, name: str) -> Part | None:
    """A part of the model, if it has a known class."""
    key, model = 'model', run.section('model')
    if isinstance(model.get('module'), Mapping):  # test-time augmentation
        key, model = 'model.module', model['module']
    config = model.get(name)
    if not isinstance(config, Mapping) or not config.get('type'):
        return None
    found = registries.find('model', config['type'], run.scope)
    kind = next((target for target in found if inspect.isclass(target)), None)
    return Part(f'{key}.{name}', kind, config) if kind else None


def _pair(size: Any) -> tuple:
    """Height and width."""
    return tuple(size) if isinstance(size, list | tuple) else (size, size)


def _check_width(encoder: Part, part: Part, name: str) -> None:
    """Refuse an argument that is not the encoder's number of features."""
    arch, stages = encoder.get('arch'), 1
    source = f'{encoder.says("arch")} gives'
    if isinstance(arch, Mapping):
        source = f'{encoder.key}.arch.embed_dims gives'
    elif isinstance(arch, str):
        arch = getattr(encoder.kind, 'arch_zoo', {}).get(arch.lower())
    if not isinstance(arch, Mapping):
        return
    if encoder.is_a(SwinTransformer) and 'out_indices' not in encoder.config:
        stages = len(arch['depths'])
    elif not encoder.is_a(VisionTransformer, BEiTViT):
        return
    _check(part, name, arch['embed_dims'] * 2 ** (stages - 1), source)


def _check(part: Part, name: str, value: Any, source: str) -> None:
    """Refuse an argument that is not what the encoder makes of its own."""
    stated = part.get(name)
    if stated is not None and _pair(stated) != _pair(value):
        raise Disagreement(
            f'{part.says(name)}, but {source} {value}. '
            f'Set {part.key}.{name}={value}.'
        )


def _check_shape(part: Part | None, encoder: Part, square: bool) -> None:
    """Refuse a decoder or head of another shape than the encoder's."""
    if not part or not part.is_a(MAEPretrainDecoder, MAEPretrainHead):
        return
    image = encoder.get('img_size')
    if part.get('img_size') is not None:
        _check(part, 'img_size', image, f'{encoder.key}.img_size is')
    elif not square:
        raise Disagreement(
            f'{encoder.says("img_size")} is not square: also set {part.key}.'
            f'img_size={image}, with neck.type=MAEMaskedDecoder and '
            'head.type=MAEMaskedHead (those of mmpretrain need square images).'
        )


def _check_cut(key: str | None, cut: Any, says: str, size: Any) -> None:
    """Refuse images of another size than masks have."""
    if key and _pair(cut) != _pair(size):
        raise Disagreement(
            f'{key}={cut} makes images of another size than the masks of '
            f'{says}. Set one to the other.'
        )
