# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tables of numbers in Markdown."""

from collections.abc import Sequence

ABSENT = '-'


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay a table out.

    Args:
        header (Sequence[str]): Headings of the columns.
        rows (Sequence[Sequence[str]]): Its cells; the first column is text,
            the others are numbers.

    Returns:
        str: Markdown, with a newline at the end.
    """
    lines = [header, ['---'] + ['---:'] * (len(header) - 1), *rows]
    escaped = ([cell.replace('|', '\\|') for cell in line] for line in lines)
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in escaped)


def number(value: float | None, digits: int = 1) -> str:
    """Write a number.

    Args:
        value (float, optional): The number.
        digits (int): After the point. Defaults to 1, as in the paper.

    Returns:
        str: '-' for None.
    """
    return ABSENT if value is None else f'{value:.{digits}f}'
