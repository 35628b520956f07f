# Copyright (c) aemim_mm contributors. All rights reserved.
import contextlib
import importlib
from collections.abc import Callable, Iterator

from mmengine import registry as root
from mmengine.registry import Registry
from mmpretrain import registry as mmpretrain_registry

# Every registry whose entries a config can name. The first that knows a name
# wins; where a part is built with another registry than the one expected (a
# batch augmentation within a data preprocessor), the rest is searched.
ALL: dict[str, Registry] = {
    'model': root.MODELS,
    'task util': root.TASK_UTILS,
    'batch augment': mmpretrain_registry.BATCH_AUGMENTS,
    'tokenizer': mmpretrain_registry.TOKENIZER,
    'dataset': root.DATASETS,
    'sampler': root.DATA_SAMPLERS,
    'transform': root.TRANSFORMS,
    'function': root.FUNCTIONS,
    'hook': root.HOOKS,
    'optimizer wrapper': root.OPTIM_WRAPPERS,
    'optimizer': root.OPTIMIZERS,
    'parameter scheduler': root.PARAM_SCHEDULERS,
    'metric': root.METRICS,
    'evaluator': root.EVALUATOR,
    'loop': root.LOOPS,
    'visualizer': root.VISUALIZERS,
    'visualizer backend': root.VISBACKENDS,
    'log processor': root.LOG_PROCESSORS,
    'weight initializer': root.WEIGHT_INITIALIZERS,
}


def find(
    kind: str, name: str | Callable, scope: str | None
) -> Iterator[Callable]:
    """All entries that a ``type`` may stand for, the likeliest first.

    Args:
        kind (str): The kind of part that is expected, a key of ``ALL``.
        name (str | Callable): The value of ``type``.
        scope (str, optional): The default scope, ``'mmpretrain'`` or
            ``'mmdet'`` for example.

    Yields:
        Callable: A class or function.
    """
    if not isinstance(name, str):
        yield name
        return
    for other in [kind, *(key for key in ALL if key != kind)]:
        if '.' not in name and name not in names(other, scope):
            continue  # or mmengine would try to import a module of that name
        try:
            found = in_scope(ALL[other], scope).get(name)
        except (RuntimeError, KeyError):  # not registered
            continue
        if found is not None:
            yield found


def first(
    kind: str, name: str | Callable, scope: str | None
) -> Callable | None:
    """The likeliest entry, as :func:`find`; None if there is none."""
    return next(find(kind, name, scope), None)


def names(kind: str, scope: str | None) -> set[str]:
    """Names that the registry of a kind and its parents know."""
    found: set[str] = set()
    registry = in_scope(ALL[kind], scope)
    while registry is not None:
        registry.import_from_location()
        found |= set(registry.module_dict)
        registry = registry.parent
    return found


def in_scope(registry: Registry, scope: str | None) -> Registry:
    """The registry of a library, or ``registry`` where it has none."""
    if scope is not None:
        with contextlib.suppress(ImportError):
            importlib.import_module(f'{scope}.registry')
    candidates = [registry]
    for candidate in candidates:
        if candidate.scope == scope:
            return candidate
        candidates.extend(candidate.children.values())
    return registry
