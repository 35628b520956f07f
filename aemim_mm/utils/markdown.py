# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tables of numbers in Markdown."""

from collections.abc import Collection, Sequence

ABSENT = '-'


def markdown(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    text: Collection[int] = (0,),
) -> str:
    """Lay a table out, with a newline at the end.

    ``text`` are the columns of text; the others are of numbers.
    """
    sides = ['---' if i in text else '---:' for i in range(len(header))]
    lines = [header, sides, *rows]
    escaped = ([cell.replace('|', '\\|') for cell in line] for line in lines)
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in escaped)


def number(value: float | None, digits: int = 1) -> str:
    """Write a number; '-' for None. The paper has 1 digit after the point."""
    return ABSENT if value is None else f'{value:.{digits}f}'
