# Copyright (c) aemim_mm contributors. All rights reserved.
import re
from collections.abc import Callable, Mapping

from mmengine.config import Config
from torch.utils.data import DataLoader

from ..utils import allowed_keys, near_misses, own_keys, similar
from . import registries
from .fixed_keys import check_default_hooks, fixed_keys
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
# What the owner of a list takes out of its parts before it builds them.
LIST_KEYS = {'policies': {'magnitude_key', 'magnitude_range'}}
LOADER_KEYS = {'num_batch_per_epoch', 'disable_subprocess_warning'}
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

    KeyError if a ``type`` is in no registry and resembles an entry. TypeError
    if a key is not taken; it names the place in the config, the similar keys
    and the allowed ones.
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
        misspelt = {key: part[key] for key in part if similar(key, keys)}
        _compare(path, title, misspelt, keys)
    for path, kind, section in sections(cfg, scope):
        _walk(section, path, kind, scope)


def _walk(value: object, path: str, kind: str, scope: str | None) -> None:
    """Check a part of the config and all parts within it."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _walk(item, f'{path}.{index}', kind, scope)
    if not isinstance(value, Mapping):
        return
    scope = value.get('_scope_', scope)
    if value.get('type', None) is not None and not _check_part(
        value, path, kind, scope
    ):
        return
    for key, child in value.items():
        if isinstance(key, str) and not key.endswith(('_cfg', '_cfgs')):
            child_kind = KIND_OF_KEY.get(key, kind)
            _walk(child, f'{path}.{key}', child_kind, scope)


def _check_part(
    part: Mapping, path: str, kind: str, scope: str | None
) -> bool:
    """Check one dict with a ``type``; say if the parts within can be judged.

    Not those of a type that is in no registry and resembles no entry: the
    enclosing part may look it up elsewhere, or else the build reports it. Nor
    those of a type that is registered under another name than its own:
    mmpretrain registers such placeholders for models whose dependencies are
    not installed.
    """
    name = part['type']
    found = list(registries.find(kind, name, scope))
    if not found:
        guesses = near_misses(name, registries.names(kind, scope))
        if not guesses:
            return False
        raise KeyError(
            f'{path}.type: "{name}" is in no registry of "{scope}".{guesses} '
            'A class of your own must be imported through custom_imports.'
        )
    owner = re.search(r'(\w+)\.\d+$', path)
    extra = BUILDER_KEYS | KIND_KEYS.get(kind, set())
    extra |= LIST_KEYS.get(owner[1] if owner else '', set())
    choices = [_keys_of(target, part, path, scope) for target in found]
    # A name may stand in several registries: one that fits will do.
    if not any(c is None or set(part) <= c | extra for c in choices):
        title = name if isinstance(name, str) else name.__name__
        _compare(path, title, part, choices[0] | extra)
    return not isinstance(name, str) or any(
        getattr(target, '__name__', None) == name.split('.')[-1]
        for target in found
    )


def _keys_of(
    target: Callable, part: Mapping, path: str, scope: str | None
) -> frozenset[str] | None:
    """Allowed keys of a part.

    A class whose attribute ``rest_goes_to`` is a key of its config takes the
    keys of the class that stands there, too.
    """
    key = getattr(target, 'rest_goes_to', None)
    name = part.get(key, None)
    if name is None:
        return allowed_keys(target)
    other = registries.first('model', name, scope)
    if other is None:
        guesses = near_misses(name, registries.names('model', scope))
        raise KeyError(
            f'{path}.{key}: "{name}" is in no registry of "{scope}".{guesses}'
        )
    others = allowed_keys(other)
    if others is None:
        return None
    own: set[str] = set()
    # A subclass hands the rest to the class that has the attribute.
    for cls in getattr(target, '__mro__', ()):
        init = vars(cls).get('__init__')
        own |= own_keys(init)[0] if init else set()
        if 'rest_goes_to' in vars(cls):
            break
    return others | own


def _compare(
    path: str, title: str, part: Mapping, allowed: frozenset[str] | set[str]
) -> None:
    """Raise if a part has a key that is not allowed."""
    for key in part:
        if key not in allowed:
            listed = ', '.join(sorted(allowed - BUILDER_KEYS))
            raise TypeError(
                f'{path}: {title} takes no key "{key}".'
                f'{near_misses(key, allowed)} Allowed keys: {listed}.'
            )
