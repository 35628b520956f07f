# Copyright (c) aemim_mm contributors. All rights reserved.
"""How much of a module a checkpoint fills, found out before it is loaded."""

import copy
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .foreign import advice

_ACCEPTED = (
    "Accepted are a dict with 'state_dict' and a flat dict of tensors: save "
    "the weights alone, under mmpretrain's keys, with torch.save("
    "{'state_dict': ...}, PATH)."
)


@dataclass(frozen=True)
class CheckpointFit:
    """What loading a state dict into a module would do."""

    keys: tuple[str, ...]  # of the module
    missing: tuple[str, ...]  # keys of the module that the file lacks
    unexpected: tuple[str, ...]  # keys of the file that the module lacks
    # keys in both whose shapes differ, with a description of the two
    mismatched: Mapping[str, str]

    @property
    def total(self) -> int:
        """Number of keys of the module."""
        return len(self.keys)

    @property
    def loaded(self) -> int:
        """Number of keys of the module that get their value."""
        return self.total - len(self.missing) - len(self.mismatched)

    @property
    def surplus(self) -> tuple[str, ...]:
        """Unexpected keys in a numbered part that the module has, too.

        ``layers.8.ln1.weight``, say, where the module ends with layer 7, or
        a layer scale in blocks that have none: the file is that of another
        architecture, though nothing may be missing. A part that the module
        lacks altogether (``ln1.*``, ``mask_token``, a head) is not surplus.
        """
        parts = {part for key in self.keys for part in _numbered(key)}
        return tuple(
            key
            for key in self.unexpected
            if any(part in parts for part in _numbered(key))
        )

    def __str__(self) -> str:
        return f'{self.loaded} of {self.total} keys'


def fit_checkpoint(
    module: nn.Module, state_dict: Mapping[str, Tensor]
) -> CheckpointFit:
    """Load a state dict into a weightless twin of the module, and report.

    The module is left as it is. Load hooks run, as they will in the real load:
    what they resize (position embeddings, relative-position tables), rename or
    fill in counts as fitting. As in mmengine, the counters of batch
    normalisation are not missed. Keys are relative to the module.
    """
    # deepcopy takes the parameters from the memo: no weight is copied.
    memo = {
        id(parameter): nn.Parameter(
            torch.empty_like(parameter, device='meta'),
            requires_grad=parameter.requires_grad,
        )
        for parameter in module.parameters()
    }
    twin = copy.deepcopy(module, memo)
    seen: list = []
    twin.register_load_state_dict_post_hook(
        lambda _, incompatible: seen.append(incompatible)
    )
    errors = ''
    with warnings.catch_warnings():
        # torch warns that copying to a weightless parameter does nothing.
        warnings.filterwarnings('ignore', message='.*no-op')
        try:
            twin.load_state_dict(state_dict, strict=False)
        except RuntimeError as error:
            errors = str(error)
    mismatched = dict(
        re.findall(r'size mismatch for (\S+): (.*?)\.?$', errors, re.M)
    )
    if errors and not mismatched:
        raise RuntimeError(f'The checkpoint cannot be loaded: {errors}')
    parameters = dict(module.named_parameters())
    require_finite({k: v for k, v in state_dict.items() if k in parameters})
    missing = [
        key
        for key in seen[-1].missing_keys
        if not key.endswith('num_batches_tracked')
    ]
    return CheckpointFit(
        keys=tuple(module.state_dict()),
        missing=tuple(missing),
        unexpected=tuple(seen[-1].unexpected_keys),
        mismatched=mismatched,
    )


def require_finite(
    weights: Mapping[str, Tensor], file: str = 'the checkpoint'
) -> None:
    """Refuse weights with which every output is NaN.

    ValueError if a value is NaN or infinite; its message names ``file``.
    """
    bad = not_finite(weights)
    if bad:
        raise ValueError(
            f'{file} has NaN or infinite values in {len(bad)} of '
            f'{len(weights)} weights ({_some(dict.fromkeys(bad))}): the run '
            'that wrote it has diverged, or the file is damaged. Take an '
            'earlier checkpoint'
        )


def not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """The keys of weights with a value that is NaN or infinite."""
    return [
        key
        for key, value in weights.items()
        if isinstance(value, Tensor)
        and value.is_floating_point()
        and not value.is_meta
        and not value.isfinite().all()
    ]


def state_dict_of(
    checkpoint: Mapping, prefix: str | None = None
) -> dict[str, Tensor]:
    """The weights in a checkpoint, as mmengine would take them.

    The content is a dict with ``state_dict``, or a flat dict of tensors;
    ValueError if it is neither. With a prefix, whose final dot may be left
    out, only the keys below it are kept, without it.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    if not isinstance(weights, Mapping):
        raise ValueError(
            "'state_dict' of the checkpoint is a "
            f'{type(weights).__name__}, not a dict of tensors. {_ACCEPTED}'
        )
    for key, value in weights.items():
        # Modules may save anything as their extra state.
        if not isinstance(value, Tensor) and not key.endswith('_extra_state'):
            place = "its 'state_dict'" if 'state_dict' in checkpoint else 'it'
            raise ValueError(
                f'The checkpoint is in the format of another library: {place} '
                f'is not a flat dict of tensors, {key!r} is a '
                f'{type(value).__name__} (all keys: {_some(weights)}). '
                f'{advice(checkpoint) or _ACCEPTED}'
            )
    if prefix is None:
        # What DistributedDataParallel puts before each key.
        return {re.sub(r'^module\.', '', k): v for k, v in weights.items()}
    prefix = prefix.removesuffix('.') + '.'
    return {
        key.removeprefix(prefix): value
        for key, value in weights.items()
        if key.startswith(prefix)
    }


def _numbered(key: str) -> list[str]:
    """What precedes the numbers in a key: the lists that it is part of."""
    return [key[: found.start()] for found in re.finditer(r'\.\d+\.', key)]


def _some(keys: Mapping) -> str:
    shown = ', '.join(map(str, list(keys)[:5]))
    return f'{shown}, and {len(keys) - 5} more' if len(keys) > 5 else shown
