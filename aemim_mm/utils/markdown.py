# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tables of numbers in Markdown."""

from collections.abc import Collection, Sequence

ABSENT = '-'


def markdown(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    text: Collection[int] = (0,),
) -> str:
    """Lay a table out.

    Args:
        header (Sequence[str]): Headings of the columns.
        rows (Sequence[Sequence[str]]): Its cells.
        text (Collection[int]): Columns of text; the others are of numbers.
            Defaults to the first one.

    Returns:
        str: Markdown, with a newline at the end.
    """
    sides = ['---' if i in text else '---:' for i in range(len(header))]
    lines = [header, sides, *rows]
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
