# Copyright (c) aemim_mm contributors. All rights reserved.
"""Fixed sin-cos position embeddings of rectangular grids of patches."""

from mmpretrain.models.utils import build_2d_sincos_position_embedding
from torch import Tensor

Grid = tuple[int, int]
# Tables of two grids differ by more, and half precision by less.
_TOLERANCE = 1e-2
# Patches one row apart differ by less than this share of those that are not.
_CLEARLY = 0.9


def grid_of_image(
    img_size: int | tuple[int, ...], patch_size: int | tuple[int, ...]
) -> Grid:
    """Rows and columns of patches of an image.

    Sizes are height and width in pixels; one number for both. ValueError if
    the patches do not fill the image.
    """
    height, width = _pair(img_size)
    rows, columns = _pair(patch_size)
    if height % rows or width % columns:
        raise ValueError(
            f'img_size={img_size}: height and width must be multiples of '
            f'patch_size={patch_size}'
        )
    return height // rows, width // columns


def sincos_table(grid: Grid, dims: int) -> Tensor:
    """MAE's position embedding of a grid, row by row, at a square MAE's own.

    (1, 1 + rows * columns, dims) float32, the class token's first; ``dims``,
    the width of a token, is a multiple of 4.
    """
    rows, columns = grid
    # The library lays out (w, h); (columns, rows) makes that row-major, and
    # is the same for a square.
    return build_2d_sincos_position_embedding(
        (columns, rows), dims, cls_token=True
    )


def grid_of_table(table: Tensor) -> Grid | None:
    """The grid that a sin-cos position embedding was made for.

    The table is (1, 1 + L, C), the class token's first. None if it is no table
    of :func:`sincos_table`, such as one that was trained.
    """
    count, dims = table.shape[1] - 1, table.shape[2]
    patches = table[:, 1:].float().cpu()
    for rows in range(1, count + 1):
        if count % rows:
            continue
        grid = rows, count // rows
        if patches.allclose(sincos_table(grid, dims)[:, 1:], 0, _TOLERANCE):
            return grid
    return None


def likelier_grid(table: Tensor, grid: Grid, other: Grid) -> Grid | None:
    """Which of two grids of as many patches a trained table has.

    Its neighbours are alike: patches one row apart differ less than those that
    only another grid has one row apart. The table is (1, 1 + L, C), the class
    token's first; both grids have L patches. None if neither is clearly the
    one.
    """
    patches = table[0, 1:].float()
    here, there = (
        float((patches[columns:] - patches[:-columns]).square().mean())
        for _, columns in (grid, other)
    )
    if here < _CLEARLY * there:
        return grid
    return other if there < _CLEARLY * here else None


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
