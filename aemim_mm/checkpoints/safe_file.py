# Copyright (c) aemim_mm contributors. All rights reserved.
"""Reading a checkpoint file without executing what is in it.

A ``.pth`` file is a pickle: loaded naively, it runs any code its author put
there. ``torch.load(weights_only=True)`` builds only objects of an allow-list,
but that of torch lacks what mmengine writes into ``epoch_N.pth`` (the message
hub), whereupon mmengine's own loader falls back to the naive load. Here the
list is as long as mmengine needs, and there is no fallback. A
``.safetensors`` file cannot hold code at all.
"""

import argparse
import pickle
import re
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from safetensors import safe_open

from .pickled_network import PickledNetwork, network_globals, tensors_of


def _history_method(owner: Any, name: str) -> Callable:
    """Stand-in for ``getattr``: public methods of ``HistoryBuffer`` only.

    mmengine pickles its statistics as ``getattr(HistoryBuffer, 'mean')``. The
    real ``getattr`` would let a file walk from any allowed object to anything
    it references.
    """
    method = vars(HistoryBuffer).get(name) if owner is HistoryBuffer else None
    if not callable(method) or name.startswith('_'):
        raise pickle.UnpicklingError(
            f'Unsupported global: GLOBAL getattr({owner!r}, {name!r})'
        )
    return method


# What DistributedDataParallel and torch.compile put before each key, alone or
# together.
_WRAPPED = ('module.', '_orig_mod.', 'module.')


class _Settings(dict):
    """Stand-in for the ``CfgNode`` of yacs: files of SimMIM hold one."""


def _safe_globals() -> list:
    """What a checkpoint of mmengine holds beyond torch's own list."""
    reconstruct = np.zeros(1).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    # numpy 2 renamed the module; a file may come from either.
    functions = [
        (function, f'numpy.{core}.multiarray.{name}')
        for core in ('core', '_core')
        for name, function in (
            ('_reconstruct', reconstruct),
            ('scalar', scalar),
        )
    ]
    # Every dtype of numbers and strings; none that holds Python objects.
    dtypes = {type(np.dtype(code)) for code in (*'?bhilqBHILQefdgFDGSU',)}
    return [
        *functions,
        *dtypes,
        np.ndarray,
        np.dtype,
        HistoryBuffer,
        (_history_method, 'builtins.getattr'),
        (slice, 'builtins.slice'),
        *network_globals(),
        # The recipes of MAE and DeiT store their command line in the file.
        argparse.Namespace,
        # Those of SimMIM and Swin Transformer their settings.
        (_Settings, 'yacs.config.CfgNode'),
    ]


def _refusal(filename: str, message: str) -> ValueError:
    """The error for a file that asks for more than the allow-list."""
    refused = re.search(r'GLOBAL (.+?)( was not| whose|$)', message, re.M)
    name = refused.group(1) if refused else 'an object of unknown type'
    return ValueError(
        f'{filename} is refused: it asks for {name}, which is not among the '
        'types that a checkpoint may hold. Nothing of it was executed. If '
        'this is a class of your own code and you trust the file, allow it '
        'with torch.serialization.add_safe_globals([...]) before loading; '
        'otherwise ask its author for only the weights, saved by torch.save('
        "{'state_dict': model.state_dict()}, ...)."
    )


def _reason(error: Exception) -> str:
    """In one line, without torch's advice to load unsafely."""
    reason = str(error).rpartition('WeightsUnpickler error: ')[2]
    reason = reason.partition('Check the documentation of torch.load')[0]
    return ' '.join(f'{type(error).__name__}: {reason}'.split())


def _unwrapped(weights: Any) -> Any:
    """Weights without what wrappers of the model put before every key."""
    for prefix in _WRAPPED * isinstance(weights, dict):
        if weights and all(str(key).startswith(prefix) for key in weights):
            weights = {k.removeprefix(prefix): v for k, v in weights.items()}
    return weights


def load_checkpoint_file(
    filename: str | PathLike, map_location: Any = 'cpu'
) -> dict:
    """Load a local checkpoint; refuse, not run, any code it carries.

    Classes that were allowed by ``torch.serialization.add_safe_globals`` are
    allowed here too.

    A name that ends with ``.safetensors`` is read as such a file: its tensors
    are ``state_dict`` and its metadata, strings, are ``meta``. Of a pickled
    network of DALL-E, the tensors are ``state_dict``. Where the keys of all
    weights begin with ``module.`` or ``_orig_mod.``, these are left out. ``~``
    is expanded.

    The tensors go where :func:`torch.load` would put them; those of
    ``.safetensors`` to a device, the CPU for None, and anything else is a
    TypeError.

    FileNotFoundError if there is no such file. ValueError if the file asks for
    a type or function that is not on the allow-list, is truncated, damaged or
    no checkpoint, or does not hold a dict; or if its tensors cannot be placed
    on the device.
    """
    path = Path(fspath(filename)).expanduser()
    if not path.is_file():
        kind = 'is a folder, not a file' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(
            f'The checkpoint {path} {kind}. The last one of a run is named in '
            "the file 'last_checkpoint' of its work folder."
        )
    read = _read_pickle
    if path.suffix == '.safetensors':
        read = _read_safetensors
        if not isinstance(map_location, str | torch.device | None):
            raise TypeError(
                'The tensors of a .safetensors file go to a device: '
                'map_location must name it or be None, but got '
                f'{map_location!r}.'
            )
    try:
        checkpoint = read(path, map_location)
    except MemoryError:
        raise
    # On damaged bytes the unpickler raises whatever they lead it to.
    except Exception as error:
        if isinstance(error, pickle.UnpicklingError) and re.search(
            r'GLOBAL |unrecognized function|Can only (create|build)',
            str(error),
        ):
            raise _refusal(str(path), str(error)) from None
        if 'persistent_load of storage' in str(error):
            raise ValueError(
                f'{path} is refused: it holds a whole network in the form '
                'that torch wrote before 1.6, not only its weights. If you '
                'trust it, write only the weights, in an isolated '
                'environment: torch.save('
                'torch.load(FILE, weights_only=False).state_dict(), OUT)'
            ) from None
        raise ValueError(
            f'{path} ({path.stat().st_size} bytes) could not be read as a '
            f'checkpoint; most often it is truncated or another kind of '
            'file. Copy or download it again, or take an earlier one of the '
            f'run. Its reader says: {_reason(error)}'
        ) from error
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f'{path} holds a {type(checkpoint).__name__}, not the dict that a '
            'checkpoint is. Save weights with torch.save(model.state_dict(), '
            '...).'
        )
    if 'state_dict' in checkpoint:
        checkpoint['state_dict'] = _unwrapped(checkpoint['state_dict'])
        return checkpoint
    return _unwrapped(checkpoint)


def _read_pickle(path: Path, map_location: Any) -> Any:
    # Those that the user allowed must stay allowed when the block ends.
    allowed = torch.serialization.get_safe_globals()
    added = [item for item in _safe_globals() if item not in allowed]
    with torch.serialization.safe_globals(added):
        content = torch.load(
            path, map_location=map_location, weights_only=True
        )
    if isinstance(content, PickledNetwork):
        return dict(state_dict=tensors_of(content))
    return content


def _read_safetensors(path: Path, map_location: Any) -> dict:
    device = str(map_location or 'cpu')
    with safe_open(path, framework='pt', device=device) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        return dict(state_dict=tensors, meta=dict(file.metadata() or {}))
