# Copyright (c) aemim_mm contributors. All rights reserved.
"""The text of a config in a checkpoint, parsed without executing it."""

import ast
from typing import Any

from aemim_mm_cli.literals import literal


def parse_config(text: str) -> dict[str, Any]:
    """Read the text of a config, as mmengine stores it in a checkpoint.

    Only literals and ``dict(...)`` are understood, which is all that mmengine
    writes for an ordinary config. A variable whose value is anything else (a
    class, a call) is left out. ValueError if the text is no Python.
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
            value = literal(statement.value)
        except (ValueError, TypeError):
            continue
        for target in statement.targets:
            if isinstance(target, ast.Name):
                values[target.id] = value
    return values
