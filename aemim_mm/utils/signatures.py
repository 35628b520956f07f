# Copyright (c) aemim_mm contributors. All rights reserved.
import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

KEYWORD = (
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


@functools.cache
def allowed_keys(target: Callable) -> frozenset[str] | None:
    """Keyword arguments that a class or function takes.

    A ``**kwargs`` is followed to the next ``__init__`` of the class's method
    resolution order, where it is handed to ``super().__init__``. None where
    the names cannot be known, for example because ``**kwargs`` goes somewhere
    else or keys are taken out of it.
    """
    if not inspect.isclass(target):
        own, open_ended = own_keys(target)
        return None if open_ended else frozenset(own)
    if target.__new__ is not object.__new__ and not overrides_init(target):
        return None
    keys: set[str] = set()
    for cls in target.__mro__:
        init = vars(cls).get('__init__', None)
        if init is None:
            continue
        if cls is object:
            return frozenset(keys)
        if hasattr(init, '__wrapped__') or not inspect.isfunction(init):
            return None  # a decorator may rename keys; C code has no source
        own, open_ended = own_keys(init)
        keys |= own
        if not open_ended:
            return frozenset(keys)
        if not hands_on(init):
            return None
    return frozenset(keys)


def default_of(cls: type, name: str) -> Any:
    """The default of a keyword argument of a class whose ``**kwargs`` go on.

    That of the first class in its method resolution order that has the
    argument. None if there is none.
    """
    for base in cls.__mro__:
        init = vars(base).get('__init__')
        if inspect.isfunction(init):
            found = inspect.signature(init).parameters.get(name)
            if found is not None:
                empty = inspect.Parameter.empty
                return None if found.default is empty else found.default
    return None


def overrides_init(cls: type) -> bool:
    """Whether a class defines ``__init__`` at or before its ``__new__``."""
    for base in cls.__mro__:
        if '__init__' in vars(base):
            return base is not object
        if '__new__' in vars(base):
            return False
    return False


def own_keys(function: Callable) -> tuple[set[str], bool]:
    """Named parameters of a function, and whether it takes ``**kwargs``."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return set(), True
    names = {p.name for p in parameters if p.kind in KEYWORD} - {'self'}
    kinds = {p.kind for p in parameters}
    return names, inspect.Parameter.VAR_KEYWORD in kinds


def hands_on(init: Callable) -> bool:
    """Whether an ``__init__`` only hands its ``**kwargs`` on.

    They go to ``super().__init__(**kwargs)`` and are not read by other means
    than ``{..., **kwargs}`` and ``kwargs['key']``.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
    except (OSError, TypeError, SyntaxError):
        return False
    name = inspect.getfullargspec(init).varkw or ''
    understood: set[ast.AST] = set()
    handed_on = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            understood |= {value for key, value in pairs if key is None}
        elif isinstance(node, ast.Subscript):
            understood.add(node.value)
        elif isinstance(node, ast.Call):
            values = {k.value for k in node.keywords if k.arg is None}
            # `super(Base, self)` goes elsewhere in the resolution order.
            if ast.unparse(node.func) == 'super().__init__':
                handed_on |= name in map(ast.unparse, values)
                understood |= values
    return handed_on and all(
        node in understood
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and node.id == name
        and isinstance(node.ctx, ast.Load)
    )
