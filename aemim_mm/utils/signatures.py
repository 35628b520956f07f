# Copyright (c) aemim_mm contributors. All rights reserved.
import ast
import functools
import inspect
import textwrap
from collections.abc import Callable

KEYWORD = (
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


@functools.cache
def allowed_keys(target: Callable) -> frozenset[str] | None:
    """Keyword arguments that a class or function takes.

    A ``**kwargs`` is followed to the next ``__init__`` of the class's method
    resolution order, where it is handed to ``super().__init__``.

    Args:
        target (Callable): A class or a function.

    Returns:
        frozenset[str], optional: The names; None where they cannot be known,
        for example because ``**kwargs`` goes somewhere else.
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
        taken = keys_of_kwargs(init)
        if taken is None:
            return None
        keys |= taken
    return frozenset(keys)


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


def keys_of_kwargs(init: Callable) -> set[str] | None:
    """Keys that ``__init__`` itself reads from its ``**kwargs``.

    Args:
        init (Callable): An ``__init__`` that takes ``**kwargs``.

    Returns:
        set[str], optional: The keys that it pops, gets or tests by name. None
        unless all else it does with them is to hand them, as ``**kwargs``, to
        ``super().__init__``.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
    except (OSError, TypeError, SyntaxError):
        return None
    name = tree.body[0].args.kwarg.arg
    keys: set[str] = set()
    understood: set[int] = set()
    handed_on = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_super_init(node.func):
            for keyword in node.keywords:
                if keyword.arg is None and is_name(keyword.value, name):
                    handed_on = True
                    understood.add(id(keyword.value))
        understood |= {id(n) for n in rebuilt(node, name)}
        key = key_of(node, name)
        if key is not None:
            keys.add(key[0])
            understood.add(id(key[1]))
    mentions = [n for n in ast.walk(tree) if is_name(n, name)]
    if not handed_on or any(id(n) not in understood for n in mentions):
        return None
    return keys


def is_name(node: ast.AST, name: str) -> bool:
    """Whether a syntax node is the variable of that name."""
    return isinstance(node, ast.Name) and node.id == name


def rebuilt(node: ast.AST, name: str) -> list[ast.AST]:
    """The variables in ``kwargs = {'key': value, **kwargs}``.

    Args:
        node (ast.AST): A syntax node.
        name (str): The name of the ``**kwargs`` parameter.

    Returns:
        list[ast.AST]: Their nodes, empty where ``node`` is no such statement.
    """
    if not isinstance(node, ast.Assign) or not isinstance(
        node.value, ast.Dict
    ):
        return []
    pairs = zip(node.value.keys, node.value.values, strict=True)
    kept = [v for key, v in pairs if key is None and is_name(v, name)]
    targets = [t for t in node.targets if is_name(t, name)]
    return targets + kept if targets and kept else []


def is_super_init(node: ast.AST) -> bool:
    """Whether a syntax node is ``super().__init__``.

    ``super(Base, self)`` goes elsewhere in the method resolution order.
    """
    return (
        isinstance(node, ast.Attribute)
        and node.attr == '__init__'
        and isinstance(node.value, ast.Call)
        and is_name(node.value.func, 'super')
        and not node.value.args
    )


def key_of(node: ast.AST, name: str) -> tuple[str, ast.AST] | None:
    """The key that ``kwargs.pop('key')`` or its like reads.

    ``get``, ``setdefault``, ``kwargs['key']`` and ``'key' in kwargs`` count.

    Args:
        node (ast.AST): A syntax node.
        name (str): The name of the ``**kwargs`` parameter.

    Returns:
        tuple[str, ast.AST], optional: The key and the node of the variable.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        reads = node.func.attr in ('pop', 'get', 'setdefault') and node.args
        variable, key = node.func.value, node.args[0] if reads else None
    elif isinstance(node, ast.Subscript):
        variable, key = node.value, node.slice
    elif isinstance(node, ast.Compare) and isinstance(
        node.ops[0], ast.In | ast.NotIn
    ):
        variable, key = node.comparators[0], node.left
    else:
        return None
    if not is_name(variable, name) or not isinstance(key, ast.Constant):
        return None
    return key.value, variable
