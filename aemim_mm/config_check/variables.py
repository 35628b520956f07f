# Copyright (c) aemim_mm contributors. All rights reserved.
import ast
import functools
import os.path as osp
import re
from collections.abc import Iterator

# `{{_base_.name}}`, a variable of a base config.
BASE_VARIABLE = re.compile(r'\{\{\s*_base_\.(\w+)')
STRING_OR_COMMENT = re.compile(
    r'"""[\s\S]*?"""'
    r"|'''[\s\S]*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'"
    r'|#[^\n]*'
)
# A name that is neither assigned nor a key nor an attribute of another.
WORD = re.compile(r'(?:\b_base_\.|(?<![\w.]))(\w+)\b(?!\s*(?:=(?!=)|:))')


def is_variable(name: str, text: str) -> bool:
    """Whether the text of a config uses a variable.

    Args:
        name (str): The top-level name.
        text (str): The text of the config file and of its bases. For configs
            in mmengine's pure Python style it lacks the bases; there a name
            that the text does not mention comes from one of them.

    Returns:
        bool: Whether the name is read; in a comment or string it is not.
    """
    if name in used_names(text):
        return True
    mentioned = re.search(rf'(?<![\w.]){re.escape(name)}\b', text)
    return 'read_base' in text and not mentioned


@functools.lru_cache(maxsize=8)
def used_names(text: str) -> frozenset[str]:
    """All names that the text of a config reads.

    Args:
        text (str): The text of the config file and of its bases.

    Returns:
        frozenset[str]: The names.
    """
    used: set[str] = set()
    for part in _files(text):
        try:
            tree = ast.parse(part)
        except (SyntaxError, ValueError):  # `{{$PORT:8080}}`; not Python
            used.update(BASE_VARIABLE.findall(part))
            used.update(WORD.findall(STRING_OR_COMMENT.sub('', part)))
            continue
        for node in ast.walk(tree):
            used.update(_read_by(node))
    return frozenset(used)


def _read_by(node: ast.AST) -> list[str]:
    """Names that one syntax node reads."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return [node.attr] if node.value.id == '_base_' else []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return BASE_VARIABLE.findall(node.value)
    return []


def _files(text: str) -> Iterator[str]:
    """The files of a config's text: a line with its path precedes each."""
    lines: list[str] = []
    for line in text.split('\n'):
        path = line.endswith(('.py', '.json', '.yaml', '.yml'))
        if path and osp.isabs(line):
            yield '\n'.join(lines)
            lines = []
        else:
            lines.append(line)
    yield '\n'.join(lines)
