# Copyright (c) aemim_mm contributors. All rights reserved.
"""Reading a file of another library, and what stands beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm
from timm.models import SwinTransformer, VisionTransformer
from torch import Tensor, nn

from ..checkpoints.foreign import (
    AVERAGED,
    KINDS,
    WRAPPERS,
    foreign_kind,
    unwrapped,
)
from ..checkpoints.normalization import IMAGENET
from ..checkpoints.safe_file import load_checkpoint_file
from ..checkpoints.terms import KEY, UNKNOWN, Terms, terms_of

# A model of timm by its name, downloaded by timm.
TIMM_NAME = 'timm:'
_FILES = ('model.safetensors', 'pytorch_model.bin')
# Source and licence of what the two repositories publish, as their LICENSE
# files say.
_PUBLISHED = {
    'mae': ('https://github.com/facebookresearch/mae', 'cc-by-nc-4.0'),
    'simmim': ('https://github.com/microsoft/SimMIM', 'mit'),
}


@dataclass
class ForeignFile:
    """What is known of a file.

    Args:
        path (Path): The file; for ``timm:NAME`` the name.
        weights (dict[str, Tensor]): By the keys of the library.
        terms (Terms): Sources and licences.
        told (bool): Whether the file itself says them. Defaults to False.
        model (dict[str, Any]): What is told of mmpretrain's ``backbone`` and
            ``neck``. Defaults to nothing.
        preprocessor (dict[str, Any]): ``mean``, ``std`` in 0-255 units,
            ``to_rgb``. Defaults to nothing.
        decoder_heads (int): Of MAE's decoder. Defaults to 16, as in all that
            is published.
        network (nn.Module, optional): The model of timm. Defaults to None.
        meta (Mapping[str, Any]): What the file says beside the weights.
            Defaults to nothing.
        dropped (dict[str, int]): What is left behind of the file, with the
            number of tensors. Defaults to nothing.
    """

    path: Path
    weights: dict[str, Tensor]
    terms: Terms
    told: bool = False
    model: dict[str, Any] = field(default_factory=dict)
    preprocessor: dict[str, Any] = field(default_factory=dict)
    decoder_heads: int = 16
    network: nn.Module | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)


def read_foreign(file: str, kind: str) -> ForeignFile:
    """Read a file, a folder, or a model of timm by its name.

    Args:
        file (str): The file, or the folder that transformers or timm has
            saved, or ``'timm:NAME'``.
        kind (str): One of ``KINDS``.

    Returns:
        ForeignFile: What is known of it.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is another kind of file, or cannot be used.
        RuntimeError: If it cannot be downloaded.
    """
    if file.startswith(TIMM_NAME):
        return _timm_name(file, kind)
    path = Path(file).expanduser()
    folder = path if path.is_dir() else path.parent
    if path.is_dir():
        path = weights_in(folder)
    content = load_checkpoint_file(path)
    found = foreign_kind(content)
    # A file of MAE without the decoder has the keys of timm.
    same = {'mae', 'timm'}
    if found not in (None, kind) and not {found, kind} <= same:
        raise ValueError(
            f'{path} is a file of {KINDS[found]}: pass --from {found}'
        )
    weights = {
        key: value
        for key, value in unwrapped(content).items()
        if isinstance(value, Tensor)
    }
    own = path.name
    if own in _FILES:  # the folder tells more
        own = f'{path.parent.resolve().name}/{own}'
    name, license = _PUBLISHED.get(kind, (own, UNKNOWN))
    foreign = ForeignFile(path, weights, [dict(source=name, license=license)])
    if isinstance(content.get('meta'), Mapping):
        foreign.meta = content['meta']
    if KEY in foreign.meta:
        foreign.terms, foreign.told = terms_of(content, path.name), True
    if any(unwrapped(content) is content.get(name) for name in AVERAGED):
        for name in WRAPPERS:
            if isinstance(content.get(name), Mapping):
                label = f'weights that are not averaged ({name}.*)'
                foreign.dropped[label] = len(content[name])
    if kind in _PUBLISHED:
        foreign.preprocessor = dict(IMAGENET)
    told = _json(folder / 'config.json')
    if kind == 'transformers' and 'hidden_size' in told:
        _tell_transformers(foreign, told, folder)
    if kind == 'timm' and 'architecture' in told:
        model = timm.create_model(f'local-dir:{folder}', pretrained=False)
        _tell_timm(foreign, model, path.parent.name)
        if 'aemim_mm' in told:
            foreign.meta = told['aemim_mm']
            foreign.terms = terms_of(dict(meta=foreign.meta), path.name)
            foreign.told = True
    return foreign


def weights_in(folder: Path) -> Path:
    """The weights in a folder that timm or transformers has saved.

    Args:
        folder (Path): The folder.

    Returns:
        Path: The file.

    Raises:
        FileNotFoundError: If there is none.
    """
    for name in _FILES:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f'the folder {folder} has neither {" nor ".join(_FILES)}: give the '
        'file of the weights'
    )


def _json(path: Path) -> dict[str, Any]:
    """What stands in a file of settings; nothing if it is not there."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} is no JSON: {error}') from error
    return found if isinstance(found, dict) else {}


def _timm_name(file: str, kind: str) -> ForeignFile:
    name = file.removeprefix(TIMM_NAME)
    if kind != 'timm':
        raise ValueError(f'{file} is a model of timm: pass --from timm')
    if not timm.is_model(name):
        near = timm.list_models(f'*{name.partition(".")[0]}*')[:5]
        raise ValueError(
            f'timm has no model {name!r}. '
            + (f'It has {", ".join(near)}. ' if near else '')
            + 'timm.list_models(pretrained=True) lists all'
        )
    try:
        model = timm.create_model(name, pretrained=True)
    except Exception as error:  # whatever the hub or the network raises
        raise RuntimeError(
            f'the weights of {file} could not be downloaded '
            f'({type(error).__name__}: {error}). Where there is a network, '
            'save them with timm.models.save_for_hf(model, FOLDER), and give '
            'FOLDER'
        ) from error
    foreign = ForeignFile(Path(name), dict(model.state_dict()), [])
    _tell_timm(foreign, model, name)
    return foreign


def _tell_timm(foreign: ForeignFile, model: Any, name: str) -> None:
    """Take what a model of timm knows that its weights do not tell."""
    cfg = model.pretrained_cfg
    foreign.network = model.eval()
    hub = cfg.get('hf_hub_id')
    source = f'https://huggingface.co/{hub}' if hub else name
    foreign.terms = [
        dict(source=source, license=cfg.get('license') or UNKNOWN)
    ]
    foreign.preprocessor = dict(
        mean=[round(255 * value, 4) for value in cfg['mean']],
        std=[round(255 * value, 4) for value in cfg['std']],
        to_rgb=True,
    )
    # Names for the conditions: types of the attributes are not known.
    swin = isinstance(model, SwinTransformer)
    vit = isinstance(model, VisionTransformer)
    if swin:
        foreign.model = dict(
            backbone=dict(
                type='SwinTransformer',
                arch=dict(
                    embed_dims=model.embed_dim,
                    depths=[len(stage.blocks) for stage in model.layers],
                    num_heads=[
                        stage.blocks[0].attn.num_heads
                        for stage in model.layers
                    ],
                ),
                img_size=tuple(model.patch_embed.img_size),
            )
        )
    elif vit:
        block = model.blocks[0]
        foreign.model = _vit(
            embed_dims=model.embed_dim,
            num_layers=len(model.blocks),
            num_heads=block.attn.num_heads,
            feedforward_channels=block.mlp.fc1.out_features,
            img_size=tuple(model.patch_embed.img_size),
            patch_size=model.patch_embed.patch_size[0],
            eps=block.norm1.eps,
        )
        if model.global_pool == 'avg':
            foreign.model['backbone']['out_type'] = 'featmap'
            foreign.model['neck'] = dict(type='GlobalAveragePooling')


def _tell_transformers(
    foreign: ForeignFile, told: Mapping[str, Any], folder: Path
) -> None:
    """Take what ``config.json`` and ``preprocessor_config.json`` say."""
    if told.get('hidden_act', 'gelu') != 'gelu':
        raise ValueError(
            f'{folder}/config.json: hidden_act={told["hidden_act"]!r}, but a '
            'ViT of mmpretrain has gelu'
        )
    foreign.model = _vit(
        embed_dims=told['hidden_size'],
        num_layers=told['num_hidden_layers'],
        num_heads=told['num_attention_heads'],
        feedforward_channels=told['intermediate_size'],
        img_size=told['image_size'],
        patch_size=told['patch_size'],
        eps=told['layer_norm_eps'],
    )
    foreign.decoder_heads = told.get('decoder_num_attention_heads', 16)
    images = _json(folder / 'preprocessor_config.json')
    if 'image_mean' in images:
        foreign.preprocessor = dict(
            mean=[round(255 * value, 4) for value in images['image_mean']],
            std=[round(255 * value, 4) for value in images['image_std']],
            to_rgb=True,
        )


def _vit(
    img_size: Any, patch_size: int, eps: float, **arch: int
) -> dict[str, Any]:
    """The config of mmpretrain's ViT, below ``backbone``."""
    return dict(
        backbone=dict(
            type='VisionTransformer',
            arch=arch,
            img_size=img_size,
            patch_size=patch_size,
            norm_cfg=dict(type='LN', eps=eps),
        )
    )
