# Copyright (c) aemim_mm contributors. All rights reserved.
"""How much of a module a checkpoint fills, found out before it is loaded."""

import copy
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# How many keys a message lists.
_SHOWN = 5


@dataclass(frozen=True)
class CheckpointFit:
    """What loading a state dict into a module would do.

    Args:
        total (int): Number of keys of the module.
        missing (Tuple[str]): Keys of the module that the file lacks.
        unexpected (Tuple[str]): Keys of the file that the module lacks.
        mismatched (Mapping[str, str]): Keys in both whose shapes differ, with
            a description of the two shapes.
    """

    total: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: Mapping[str, str]

    @property
    def loaded(self) -> int:
        """Number of keys of the module that get their value."""
        return self.total - len(self.missing) - len(self.mismatched)

    def __str__(self) -> str:
        return f'{self.loaded} of {self.total} keys'


def fit_checkpoint(
    module: nn.Module, state_dict: Mapping[str, Tensor]
) -> CheckpointFit:
    """Load a state dict into a weightless twin of the module, and report.

    The module is left as it is. Load hooks run, as they will in the real
    load: what they resize (position embeddings, relative-position tables),
    rename or fill in counts as fitting.

    Args:
        module (nn.Module): The module to be filled.
        state_dict (Mapping[str, Tensor]): The weights, keys relative to the
            module.

    Returns:
        CheckpointFit: The result. As in mmengine, the counters of batch
        normalisation are not missed.
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
    missing = [
        key
        for key in seen[-1].missing_keys
        if not key.endswith('num_batches_tracked')
    ]
    return CheckpointFit(
        total=len(module.state_dict()),
        missing=tuple(missing),
        unexpected=tuple(seen[-1].unexpected_keys),
        mismatched=mismatched,
    )


def state_dict_of(
    checkpoint: Mapping, prefix: str | None = None
) -> dict[str, Tensor]:
    """The weights in a checkpoint, as mmengine would take them.

    Args:
        checkpoint (Mapping): Content of the file.
        prefix (str, optional): Keep the keys below this prefix, without it;
            the final dot may be left out. Defaults to None.

    Returns:
        dict[str, Tensor]: The weights.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    if prefix is None:
        # What DistributedDataParallel puts before each key.
        return {re.sub(r'^module\.', '', k): v for k, v in weights.items()}
    prefix = prefix.removesuffix('.') + '.'
    return {
        key.removeprefix(prefix): value
        for key, value in weights.items()
        if key.startswith(prefix)
    }


def describe_keys(title: str, keys: Mapping[str, str] | tuple) -> str:
    """One line with the first few keys and the number of the rest.

    Args:
        title (str): What the keys are.
        keys (Mapping[str, str] or Tuple[str]): The keys, or keys with what
            there is to say about each.

    Returns:
        str: The line, empty if there are no keys.
    """
    if not keys:
        return ''
    shown = [
        f'{key} ({keys[key]})' if isinstance(keys, Mapping) else key
        for key in list(keys)[:_SHOWN]
    ]
    rest = len(keys) - len(shown)
    more = f', and {rest} more' if rest else ''
    return f'\n  {title}: {", ".join(shown)}{more}'


def describe_prefixes(checkpoint: Mapping) -> str:
    """The first parts of the keys in a file, most frequent first.

    Args:
        checkpoint (Mapping): Content of the file.

    Returns:
        str: For example ``"backbone. (150 keys), neck. (40 keys)"``.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    counts = Counter(
        f'{head}{dot}' for head, dot, _ in (k.partition('.') for k in weights)
    )
    return ', '.join(
        f'{head} ({count} keys)' for head, count in counts.most_common(_SHOWN)
    )
