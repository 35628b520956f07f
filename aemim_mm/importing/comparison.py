# Copyright (c) aemim_mm contributors. All rights reserved.
"""Does the imported file compute what the source library computes?"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmpretrain.registry import MODELS
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoints.safe_file import load_checkpoint_file
from ..export.architecture import Architecture
from ..export.comparison import compare, difference
from ..export.export_file import load_export
from ..export.mmpretrain_library import MMPretrain
from ..export.source import Source
from ..export.timm_library import Timm, outputs_of
from .foreign_file import ForeignFile

_SCRIPT = Path(__file__).with_name('transformers_outputs.py')


@torch.no_grad()
def compare_import(
    foreign: ForeignFile,
    kind: str,
    source: Source,
    architecture: Architecture,
    decoder: Mapping[str, Any],
    path: Path,
    python: str,
) -> dict[str, float]:
    """Compare on two random images, in float32.

    The source library loads the weights under their own names. For MAE it is
    timm, of whose blocks MAE consists; for SimMIM it is timm, too, which
    reads the files of Microsoft's Swin Transformer.

    Args:
        foreign (ForeignFile): The source.
        kind (str): Whose file it is.
        source (Source): The converted encoder.
        architecture (ViT | Swin): Of the encoder.
        decoder (Mapping): The config of the decoder, or empty.
        path (Path): The imported file.
        python (str): The Python that has transformers.

    Returns:
        dict[str, float]: The largest absolute difference of ``features``, of
        ``logits`` of a classifier, and of what MAE's ``decoder`` predicts if
        half of the patches are masked.

    Raises:
        ValueError: If the library is not there, or does not take the file.
    """
    if kind == 'mmpretrain':
        return compare(source, architecture, 'mmpretrain', path)
    images = torch.randn(
        (2, architecture.in_channels, *architecture.img_size),
        generator=torch.Generator().manual_seed(0),
    )
    got = MMPretrain(source, architecture).outputs(path, images)
    got['features'] = got['features'][-1:]
    mae = 'decoder_embed_dim' in decoder
    if kind == 'transformers':
        wanted = _transformers(foreign, images, python)
    else:
        wanted = _timm(foreign, source, architecture, images)
        if mae:
            wanted['decoder'] = [
                mae_decoder(
                    {
                        key.removeprefix('module.'): value.float()
                        for key, value in foreign.weights.items()
                    },
                    decoder['decoder_num_heads'],
                    _visible(wanted['features'][0]),
                )
            ]
    if mae:
        weights, _ = load_export(path)
        neck = MODELS.build(dict(decoder))
        neck.load_state_dict(
            {
                key.removeprefix('neck.'): value
                for key, value in weights.items()
                if key.startswith('neck.')
            }
        )
        tokens = _visible(got['features'][0])
        order = torch.arange(decoder['num_patches']).expand(len(images), -1)
        got['decoder'] = [neck.eval()(tokens, order)]
    return {name: difference(wanted[name], got[name]) for name in got}


def _visible(tokens: Tensor) -> Tensor:
    """Class token and the first half of the patches."""
    return tokens[:, : 1 + (tokens.shape[1] - 1) // 2]


def _timm(
    foreign: ForeignFile,
    source: Source,
    architecture: Architecture,
    images: Tensor,
) -> dict[str, list[Tensor]]:
    """What timm computes with the file."""
    model = foreign.network or Timm(source, architecture).build()
    # timm's own reading of older files, and of Microsoft's.
    read = sys.modules[type(model).__module__].checkpoint_filter_fn  # type: ignore[attr-defined]
    weights = {
        key.removeprefix('module.').removeprefix('encoder.'): value.float()
        for key, value in foreign.weights.items()
    }
    missing = model.load_state_dict(
        read(weights, model), strict=False
    ).missing_keys
    if missing:
        raise ValueError(
            f"timm's {type(model).__name__} does not find {missing[:3]} in "
            f'{foreign.path}: the file is incomplete, or of another network'
        )
    return outputs_of(model, images, bool(source.head))


def mae_decoder(
    weights: Mapping[str, Tensor], heads: int, tokens: Tensor
) -> Tensor:
    """What MAE's decoder predicts, of timm's blocks as in MAE's repository.

    Args:
        weights (Mapping[str, Tensor]): By MAE's keys.
        heads (int): Attention heads.
        tokens (Tensor): The encoder's class token and K patch tokens, of the
            first K places, (B, 1 + K, C).

    Returns:
        Tensor: Of all L patches, (B, L, P).
    """
    position = weights['decoder_pos_embed']
    x = F.linear(
        tokens, weights['decoder_embed.weight'], weights['decoder_embed.bias']
    )
    masked = weights['mask_token'].expand(
        len(x), position.shape[1] - x.shape[1], -1
    )
    x = torch.cat([x, masked], dim=1) + position
    width, depth = x.shape[2], 0
    norm: Any = partial(nn.LayerNorm, eps=1e-6)
    while f'decoder_blocks.{depth}.norm1.weight' in weights:
        prefix = f'decoder_blocks.{depth}.'
        own = {
            key.removeprefix(prefix): value
            for key, value in weights.items()
            if key.startswith(prefix)
        }
        ratio = len(own['mlp.fc1.weight']) / width
        block = Block(width, heads, ratio, qkv_bias=True, norm_layer=norm)
        block.load_state_dict(own)
        x = block.eval()(x)
        depth += 1
    x = F.layer_norm(
        x,
        (width,),
        weights['decoder_norm.weight'],
        weights['decoder_norm.bias'],
        eps=1e-6,
    )
    x = F.linear(
        x, weights['decoder_pred.weight'], weights['decoder_pred.bias']
    )
    return x[:, 1:]


def _transformers(
    foreign: ForeignFile, images: Tensor, python: str
) -> dict[str, list[Tensor]]:
    """What transformers computes, in a process of its own.

    mmpretrain cannot be imported beside transformers 5.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / 'images.pt', Path(folder) / 'out.pt'
        torch.save(images, given)
        done = subprocess.run(
            [python, _SCRIPT, foreign.path.parent, given, answer],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ['no message'])[-1]
            raise ValueError(
                f'transformers could not compute with {foreign.path.parent} '
                f'by {python}: {last}. The check needs the folder that '
                'save_pretrained has written, and a Python with torch and '
                'transformers: name it with --source-python, or convert '
                'without --check'
            )
        return {
            name: [value]
            for name, value in load_checkpoint_file(answer).items()
        }
