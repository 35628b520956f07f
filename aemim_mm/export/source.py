# Copyright (c) aemim_mm contributors. All rights reserved.
"""What an export starts from: the clean encoder in a checkpoint."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.fit import require_finite, state_dict_of
from ..checkpoints.misfit import describe_prefixes
from ..checkpoints.normalization import (
    config_normalization,
    stored_normalization,
)
from ..checkpoints.safe_file import load_checkpoint_file
from ..utils.read_config import read_config
from .stored_config import read_stored_config

ADAPTERS = 'adversarial adapters (adv.*)'
# Heads of mmpretrain's classifiers; those of pre-training are not exported.
_CLASSIFIERS = ('head.fc.weight', 'head.layers.head.weight')


@dataclass(frozen=True)
class Source:
    """The parts of a checkpoint.

    Args:
        path (Path): The file.
        encoder (dict[str, Tensor]): The clean encoder, by the keys of
            mmpretrain's backbone.
        head (dict[str, Tensor]): The classifier of a fine-tuned model, keys
            below ``head.``; otherwise empty.
        neck (dict[str, Tensor]): The batch norm before the classifier of
            linear probing, keys below ``neck.``; otherwise empty.
        dropped (dict[str, int]): What is left behind, with the number of
            tensors; 0 stands for an entry beside the weights.
        config (dict): The config of the run; empty if there is none.
        meta (Mapping): What mmengine noted about the run.
    """

    path: Path
    encoder: dict[str, Tensor]
    head: dict[str, Tensor]
    neck: dict[str, Tensor]
    dropped: dict[str, int]
    config: dict[str, Any]
    meta: Mapping[str, Any]

    def config_of(self, part: str) -> dict[str, Any]:
        """The config of a part of the model; empty if there is none.

        Args:
            part (str): ``'backbone'``, say.

        Returns:
            dict[str, Any]: A shallow copy.
        """
        config = self.model.get(part)
        return dict(config) if isinstance(config, Mapping) else {}

    @property
    def model(self) -> Mapping[str, Any]:
        """The config of the model; empty if there is none."""
        model = self.config.get('model')
        return model if isinstance(model, Mapping) else {}

    @property
    def normalization(self) -> dict[str, Any]:
        """What the pixels were normalised by, in 0-255 units.

        ``mean``, ``std`` and ``to_rgb``, as far as the config says, or the
        metadata of a file that was exported or imported.
        """
        said = config_normalization(self.config)
        return said or stored_normalization(self.meta)

    def sha256(self) -> str:
        """The checksum of the file."""
        with open(self.path, 'rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest()

    def to(self, dtype: torch.dtype | None) -> 'Source':
        """The same with floating-point weights of another type.

        Args:
            dtype (torch.dtype, optional): The type; None changes nothing.

        Returns:
            Source: The parts.
        """
        if dtype is None:
            return self
        parts = {
            part: {
                key: value.to(dtype) if value.is_floating_point() else value
                for key, value in getattr(self, part).items()
            }
            for part in ('encoder', 'head', 'neck')
        }
        return dataclasses.replace(self, **parts)


def read_source(
    checkpoint: str | PathLike, config: str | PathLike | None = None
) -> Source:
    """Read a checkpoint of pre-training or fine-tuning.

    Args:
        checkpoint (str or PathLike): The file.
        config (str or PathLike, optional): The config of the run. It is
            executed, as everywhere in mmengine. Defaults to None, the config
            in the checkpoint, which is not executed.

    Returns:
        Source: The parts.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If there is no encoder in the file, or a weight is NaN or
            infinite.
    """
    path = Path(fspath(checkpoint)).expanduser()
    loaded = load_checkpoint_file(path)
    weights = _tensors(loaded, path)
    classifier = any(key in weights for key in _CLASSIFIERS)
    parts: dict[str, dict] = {'backbone': {}, 'head': {}, 'neck': {}}
    dropped: Counter = Counter()
    for key, value in weights.items():
        first, _, rest = key.partition('.')
        if first == 'adv' or key.startswith('backbone.adv.'):
            dropped[ADAPTERS] += 1
        elif key == 'backbone.mask_token':
            dropped['mask token (backbone.mask_token)'] += 1
        elif first == 'backbone' or (
            classifier
            and (first == 'head' or (first == 'neck' and rest[:3] == 'bn.'))
        ):
            parts[first][rest] = value
        else:
            dropped[f'{first}.*'] += 1
    if not parts['backbone']:
        raise ValueError(_no_encoder(path, loaded, weights))
    for part in parts.values():
        require_finite(part, str(path))
    for name in loaded:
        if 'state_dict' in loaded and name not in ('state_dict', 'meta'):
            dropped[name] += 0
    meta = loaded.get('meta')
    meta = meta if isinstance(meta, dict) else {}
    return Source(
        path=path,
        encoder=parts['backbone'],
        head=parts['head'],
        neck=parts['neck'],
        dropped=dict(dropped),
        config=_config(meta, config, classifier),
        meta=meta,
    )


def _tensors(loaded: Mapping, path: Path) -> dict[str, Tensor]:
    try:
        return state_dict_of(loaded)
    except ValueError as error:
        raise ValueError(f'{path} cannot be exported. {error}') from error


def _no_encoder(path: Path, loaded: Mapping, weights: Mapping) -> str:
    if weights and all(key.startswith('adv.') for key in weights):
        return (
            f'{path} holds nothing but adversarial adapters (adv.*, '
            f'{len(weights)} keys). They are of no use without the encoder: '
            'give the whole checkpoint of the pre-training run'
        )
    return (
        f'{path} is not a checkpoint of AEMIM, MAE, SimMIM or of a model '
        "fine-tuned from them: no key starts with 'backbone.'. Keys in the "
        f'file: {describe_prefixes(loaded) or "none"}. Give a file that '
        'mmengine saved (epoch_N.pth)'
    )


def _config(
    meta: Mapping, config: str | PathLike | None, classifier: bool
) -> dict[str, Any]:
    if config is not None:
        path = Path(fspath(config)).expanduser()
        return read_config(str(path)).to_dict()
    text = meta.get('cfg')
    if not isinstance(text, str):
        return {}
    return read_stored_config(text, classifier)
