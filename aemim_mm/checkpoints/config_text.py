# Copyright (c) aemim_mm contributors. All rights reserved.
"""The text of a config in a checkpoint, parsed without executing it."""

import ast
from typing import Any


def parse_config(text: str) -> dict[str, Any]:
    """Read the text of a config, as mmengine stores it in a checkpoint.

    Only literals and ``dict(...)`` are understood, which is all that mmengine
    writes for an ordinary config.

    Args:
        text (str): The text.

    Returns:
        dict[str, Any]: The variables. One whose value is anything else (a
        class, a call) is left out.

    Raises:
        ValueError: If the text is no Python.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ValueError(
            f'the config in the checkpoint cannot be read: {error}. Pass the '
            'config file of the run with --config'
        ) from error
    values = {}
    for statement in statements:
        if not isinstance(statement, ast.Assign):
            continue
        try:
            value = _value(statement.value)
        except (ValueError, TypeError):
            continue
        for target in statement.targets:
            if isinstance(target, ast.Name):
                values[target.id] = value
    return values


def _value(node: ast.AST | None) -> Any:
    """The value of a literal or of ``dict(key=literal, ...)``."""
    if isinstance(node, ast.Call):
        if (
            not isinstance(node.func, ast.Name)
            or node.func.id != 'dict'
            or any(keyword.arg is None for keyword in node.keywords)
        ):
            raise ValueError(f'not plain: {ast.dump(node)}')
        # dict({'.bias': ...}) is for keys that are no names
        items = dict(*(_value(argument) for argument in node.args))
        items.update({item.arg: _value(item.value) for item in node.keywords})
        return items
    if isinstance(node, ast.Dict):
        return {
            _value(key): _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if node is None:
        raise ValueError('not plain: ** in a dict')
    return ast.literal_eval(node)
