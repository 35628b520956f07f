# Copyright (c) aemim_mm contributors. All rights reserved.
"""``--cfg-options KEY=VALUE``: a value is taken as typed."""

import ast
from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from .literals import literal

CLOSING = {'(': ')', '[': ']', '{': '}'}
QUOTES = '\'"'
WORDS = {'true': True, 'false': False, 'none': None}


class CfgOptions(Action):
    """Collect ``KEY=VALUE`` in a dict, as mmengine's ``DictAction`` does.

    Unlike there, white space and quotes within a text stay, and a value may
    be a dict, as ``{'a': 1}`` or ``dict(a=1)``.
    """

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the options of one occurrence to the dict in the namespace.

        ArgumentError if a text is no ``KEY=VALUE`` or cannot be read.
        """
        options = dict(getattr(namespace, self.dest, None) or {})
        for text in values or ():
            key, equals, value = text.partition('=')
            if not (key and equals):
                raise ArgumentError(
                    self,
                    f'"{text}" is not KEY=VALUE; a value with white space '
                    'needs quotes: KEY="a b"',
                )
            try:
                options[key] = parse_value(value)
            except ValueError as error:
                raise ArgumentError(self, f'{key}: {error}') from None
        setattr(namespace, self.dest, options)


def parse_value(text: str) -> Any:
    """Read a value.

    ``1e-3``, ``true``, ``None``, ``[a,(1,2)]``, ``1,2`` (a list), ``{'a':
    1}``, ``dict(a=1)``, or a text, which quotes keep from being anything else:
    ``"'1,2'"``. A text stays as it is, white space included. ValueError if
    a text with commas has brackets or quotes that do not match, or a dict is
    none of literals.
    """
    stripped = text.strip()
    if stripped.startswith(('(', '[')) and _closes_last(stripped):
        items = _values(stripped[1:-1])
        return tuple(items) if stripped[0] == '(' else items
    if ',' in stripped and len(list(_items(stripped))) > 1:
        return _values(stripped)
    if stripped.startswith(('{', 'dict(')):
        return _literal(stripped)
    if stripped[:1] in QUOTES and stripped[-1:] == stripped[:1] != '':
        return stripped[1:-1]
    # Python's 1_000 is a text: names and dates have such parts.
    for kind in (int, float) if '_' not in stripped else ():
        try:
            return kind(stripped)
        except ValueError:
            continue
    if stripped == 'None' or stripped.lower() in ('true', 'false'):
        return WORDS[stripped.lower()]
    return text


def _values(text: str) -> list[Any]:
    """The values between commas."""
    items = [item.strip() for item in _items(text)]
    return [parse_value(item) for item in items if item]


def _items(text: str) -> Iterator[str]:
    """Split at the commas that stand in no bracket and no quotes."""
    start = 0
    for place, char, depth in _outside_quotes(text):
        if char == ',' and depth == 0:
            yield text[start:place]
            start = place + 1
        if char == '' and depth and (start or ',' in text):
            raise ValueError(
                f'brackets or quotes do not match in {text}; put a text with '
                'commas in quotes of its own: KEY="\'TEXT\'"'
            )
    yield text[start:]


def _closes_last(text: str) -> bool:
    """Whether the bracket at the start is closed at the end."""
    closed = (p for p, _, depth in _outside_quotes(text) if depth == 0)
    return next(closed, None) == len(text) - 1


def _outside_quotes(text: str) -> Iterator[tuple[int, str, int]]:
    """Place, character and open brackets behind it, of what is not quoted.

    The end of the text counts as a character ``''``; a quote that is open
    there counts as a bracket.
    """
    expected, quote, before = [], '', ','
    for place, char in enumerate(text):
        if quote:
            quote = '' if char == quote else quote
            continue
        # An apostrophe within a word is no quote.
        if char in QUOTES and before in '([{,:=':
            quote = char
        elif char in CLOSING:
            expected.append(CLOSING[char])
        elif expected and char == expected[-1]:
            expected.pop()
        if not quote:
            yield place, char, len(expected)
        before = before if char.isspace() else char
    yield len(text), '', len(expected) + bool(quote)


def _literal(text: str) -> Any:
    """A dict of literals, in either spelling."""
    try:
        return literal(ast.parse(text, mode='eval').body)
    except (SyntaxError, ValueError, TypeError):
        raise ValueError(
            f'{text} is not a dict of plain values. Quote its strings '
            "(dict(type='X')), or set its keys one by one: KEY.type=X"
        ) from None
