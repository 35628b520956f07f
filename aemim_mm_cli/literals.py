# Copyright (c) aemim_mm contributors. All rights reserved.
"""Values of Python expressions, found without executing them."""

import ast
from typing import Any


def literal(node: ast.AST | None) -> Any:
    """The value of a literal or of ``dict(key=literal, ...)``.

    A node that is None stands for the ``**`` of a dict. ValueError if it is
    anything else, TypeError if a key of a dict cannot be one.
    """
    if isinstance(node, ast.Call):
        if (
            not isinstance(node.func, ast.Name)
            or node.func.id != 'dict'
            or any(keyword.arg is None for keyword in node.keywords)
        ):
            raise ValueError(f'not plain: {ast.dump(node)}')
        # dict({'.bias': ...}) is for keys that are no names
        items = dict(*(literal(argument) for argument in node.args))
        items.update({item.arg: literal(item.value) for item in node.keywords})
        return items
    if isinstance(node, ast.Dict):
        return {
            literal(key): literal(value)
            for key, value in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.List):
        return [literal(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(literal(item) for item in node.elts)
    if node is None:
        raise ValueError('not plain: ** in a dict')
    return ast.literal_eval(node)
