# Copyright (c) aemim_mm contributors. All rights reserved.
"""Swin that starts from a checkpoint with another window size.

mmpretrain resizes the tables too, by ``scipy.interpolate.interp2d``, which
SciPy 1.14 removed: there the load ends with a NotImplementedError. The result
here is the same, and needs no SciPy.
"""

import torch
from mmengine.logging import MMLogger
from mmpretrain.models import SwinTransformer
from mmpretrain.registry import MODELS
from torch import Tensor

_TABLE, _INDEX = 'relative_position_bias_table', 'relative_position_index'


@MODELS.register_module()
class ResizableSwin(SwinTransformer):
    """Swin Transformer whose relative-position tables fit any checkpoint.

    Same state-dict keys and outputs as mmpretrain's :class:`SwinTransformer`.
    A table of another window size is resized while it is loaded, as in the
    official SimMIM, for example from window 6 at 192 pixels to window 7 at
    224. The index that belongs to it (``relative_position_index``, a
    constant) is not loaded from the file.

    Args:
        *args: As :class:`SwinTransformer`.
        **kwargs: As :class:`SwinTransformer`.
    """

    # torch calls this before the load hooks, hence before the stock resize,
    # which leaves tables of the right size alone.
    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args, **kwargs
    ) -> None:
        for name, own in self.named_parameters():
            key = prefix + name
            table = state_dict.get(key)
            if not name.endswith(_TABLE) or table is None:
                continue
            if len(table) == len(own):
                continue
            source, target = (round(len(t) ** 0.5) for t in (table, own))
            state_dict[key] = resize_relative_position_table(table, target)
            state_dict.pop(key.replace(_TABLE, _INDEX), None)
            MMLogger.get_current_instance().info(
                f'Resize {key} from {source} x {source} to '
                f'{target} x {target}.'
            )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def resize_relative_position_table(table: Tensor, size: int) -> Tensor:
    """Resize the relative-position table of a window to another window.

    From (S * S, heads), where S = 2 * window - 1, to (size * size, heads), in
    float32, with S of the target as ``size``, odd. Cubic splines through the
    entries, as in BEiT and SimMIM: the offsets -k, ..., k of the source are
    spread geometrically over the range of the target, so that small offsets
    keep their meaning. ValueError if the table is not that of a square window
    of at least 3 x 3 (below, there is no cubic spline).
    """
    source = round(len(table) ** 0.5)
    if source**2 != len(table) or source < 5 or not source % 2:
        raise ValueError(
            'Only tables of square windows from 3 x 3 on can be resized, '
            f'((2 * window - 1)^2, heads), but got {tuple(table.shape)}.'
        )
    known = _offsets(source // 2, size // 2)
    wanted = torch.arange(size, dtype=torch.float64) - size // 2
    weights = _spline_weights(known, wanted.clamp(known[0], known[-1]))
    grids = table.double().T.unflatten(1, (source, source))
    return (weights @ grids @ weights.T).flatten(1).T.float().contiguous()


def _offsets(count: int, reach: int) -> Tensor:
    """0, 1, 1 + q, 1 + q + q^2, ... on both sides, up to about the reach.

    q is bisected between 1.01 and 1.5, which ends within the reach by 1e-6
    where these limits allow it.
    """
    left, right = 1.01, 1.5
    while right - left > 1e-6:
        q = (left + right) / 2
        if (1 - q**count) / (1 - q) > reach:
            right = q
        else:
            left = q
    side = (q ** torch.arange(count, dtype=torch.float64)).cumsum(0)
    return torch.cat((-side.flip(0), side.new_zeros(1), side))


def _spline_weights(known: Tensor, wanted: Tensor) -> Tensor:
    """Matrix from values at the known to values at the wanted points.

    The interpolating cubic spline without knots at the second and the last
    but one point (FITPACK's), in the basis 1, x, x^2, x^3, (x - knot)^3_+.
    """
    scale = known[-1]

    def basis(x: Tensor) -> Tensor:
        x = x[:, None] / scale
        powers = x ** torch.arange(4, dtype=x.dtype)
        return torch.cat(
            (powers, (x - known[2:-2] / scale).clamp(min=0) ** 3), dim=1
        )

    return torch.linalg.solve(basis(known), basis(wanted), left=False)
