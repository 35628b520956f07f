# Copyright (c) aemim_mm contributors. All rights reserved.
import inspect
from collections.abc import Callable, Mapping, Sequence

from mmengine.config import Config
from torch.utils.data import DataLoader

from ..utils import (
    allowed_keys,
    near_misses,
    own_keys,
    similar,
)
from . import registries
from .fixed_keys import (
    check_default_hooks,
    fixed_keys,
)
from .sections import sections

# Keys that mmengine's builders and `Config` take for themselves.
BUILDER_KEYS = {'type', '_scope_', '_delete_'}
# The same for one kind of part.
KIND_KEYS = {
    'hook': {'priority'},
    'optimizer wrapper': {'optimizer', 'constructor', 'paramwise_cfg'},
    'parameter scheduler': {'convert_to_iter_based'},
    'loop': {'by_epoch'},
}
LOADER_KEYS = {
    'num_batch_per_epoch',
    'disable_subprocess_warning',
}
# Within these, parts of another kind are named.
KIND_OF_KEY = {
    'dataset': 'dataset',
    'datasets': 'dataset',
    'pipeline': 'transform',
    'transforms': 'transform',
    'sampler': 'sampler',
    'batch_sampler': 'sampler',
    'collate_fn': 'function',
    'worker_init_fn': 'function',
    'optimizer': 'optimizer',
    'vis_backends': 'visualizer backend',
    'augments': 'batch augment',
}
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def check_constructor_keys(cfg: Config) -> None:
    """Compare the keys of every part with what its constructor takes.

    ``*_cfg`` dicts (``norm_cfg``, ``init_cfg``) are left out, since their
    builders take further keys, and so are classes whose keys cannot be known.
    A section without a type (``train_cfg``) is what mmengine makes of it.

    Args:
        cfg (Config): The config. Not changed.

    Raises:
        KeyError: If a ``type`` is in no registry and resembles an entry.
        TypeError: If a key is not taken; names the place in the config, the
            similar keys and the allowed ones.
    """
    scope = cfg.get('default_scope', 'mmengine')
    for name in LOADERS:
        loader = cfg.get(name, None)
        if isinstance(loader, Mapping):
            parts = {*KIND_OF_KEY, *LOADER_KEYS}
            allowed = allowed_keys(DataLoader) | parts
            _compare(name, 'DataLoader', loader, allowed)
            _walk(loader, name, 'dataset', scope)
    check_default_hooks(cfg)
    for path, title, part, keys in fixed_keys(cfg):
        # What is not read is often left over: an error only where misspelt.
        for key in part:
            if similar(key, keys):
                _compare(path, title, {key: part[key]}, keys)
    for path, kind, section in sections(cfg, scope):
        _walk(section, path, kind, scope)


def _walk(
    value: object,
    path: str,
    kind: str,
    scope: str | None,
    parents: Sequence[Callable] = (),
) -> None:
    """Check a part of the config and all parts within it."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _walk(item, f'{path}[{index}]', kind, scope, parents)
    if not isinstance(value, Mapping):
        return
    scope = value.get('_scope_', scope)
    if value.get('type', None) is not None:
        parents = _check_part(value, path, kind, scope, parents)
        if not parents:
            return
    for key, child in value.items():
        if not isinstance(key, str) or key.endswith(('_cfg', '_cfgs')):
            continue
        child_kind = KIND_OF_KEY.get(key, kind)
        _walk(child, f'{path}.{key}', child_kind, scope, parents)


def _check_part(
    part: Mapping,
    path: str,
    kind: str,
    scope: str | None,
    parents: Sequence[Callable],
) -> Sequence[Callable]:
    """Check one dict with a ``type``.

    Returns:
        Sequence[Callable]: What ``type`` may stand for. Nothing, for a type
        that is in no registry and resembles no entry: the enclosing part may
        look it up elsewhere, or else the build reports it. Nothing, too, for
        one that is registered under another name than its own: mmpretrain
        registers such placeholders for models whose dependencies are not
        installed, and the parts of such a model cannot be judged.
    """
    name = part['type']
    found = list(registries.find(kind, name, scope))
    if not found:
        guesses = near_misses(name, registries.names(kind, scope))
        if not guesses or _mentioned(name, parents):
            return ()
        raise KeyError(
            f'{path}.type: "{name}" is in no registry of "{scope}".{guesses} '
            'A class of your own must be imported through custom_imports.'
        )
    extra = BUILDER_KEYS | KIND_KEYS.get(kind, set())
    choices = [_keys_of(target, part, path, scope) for target in found]
    # A name may stand in several registries: one that fits will do.
    if any(c is None or set(part) <= c | extra for c in choices):
        return [t for t in found if _goes_by(t, name)]
    title = name if isinstance(name, str) else name.__name__
    taken = {key for key in part if _mentioned(key, parents)}
    _compare(path, title, part, choices[0] | extra | taken)
    return found


def _goes_by(target: Callable, name: str | Callable) -> bool:
    """Whether a registry entry has the name it is registered under."""
    if not isinstance(name, str):
        return True
    return getattr(target, '__name__', None) == name.split('.')[-1]


def _mentioned(key: str, parents: Sequence[Callable]) -> bool:
    """Whether the code of an enclosing part names a key of its child.

    Some classes take keys out of a child's config before they build it.
    """
    for parent in parents:
        for cls in getattr(parent, '__mro__', (parent,)):
            try:
                source = inspect.getsource(cls)
            except (OSError, TypeError):
                continue
            if f"'{key}'" in source or f'"{key}"' in source:
                return True
    return False


def _keys_of(
    target: Callable, part: Mapping, path: str, scope: str | None
) -> frozenset[str] | None:
    """Allowed keys of a part; for a part that extends a method, both's."""
    method = part.get('method', None)
    if getattr(target, '__name__', '') != 'AEMIMAlgorithm' or not method:
        return allowed_keys(target)
    stock = next(iter(registries.find('model', method, scope)), None)
    if stock is None:
        choices = registries.names('model', scope)
        raise KeyError(
            f'{path}.method: "{method}" is in no registry of "{scope}".'
            f'{near_misses(method, choices)}'
        )
    stock_keys = allowed_keys(stock)
    # What AEMIMAlgorithm does not name itself goes to the stock algorithm.
    own, _ = own_keys(target.__init__)
    return None if stock_keys is None else stock_keys | own


def _compare(
    path: str, title: str, part: Mapping, allowed: frozenset[str] | set[str]
) -> None:
    """Raise if a part has a key that is not allowed."""
    for key in part:
        if key in allowed:
            continue
        listed = ', '.join(sorted(allowed - BUILDER_KEYS))
        raise TypeError(
            f'{path}: {title} takes no key "{key}".'
            f'{near_misses(key, allowed)} Allowed keys: {listed}.'
        )
