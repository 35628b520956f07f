# Copyright (c) aemim_mm contributors. All rights reserved.
"""BEiT for images of any size: its relative position bias is resized.

mmpretrain's :class:`BEiTViT` raises at any size but that of its table, and
detection has another one in every batch. The bias is resized at run time as
in MiDaS (DPT over BEiT) and in the BEiT of transformers.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from mmpretrain.models import BEiTViT
from mmpretrain.models.utils import BEiTAttention
from mmpretrain.registry import MODELS
from torch import Tensor

_TABLE, _INDEX = 'relative_position_bias_table', 'relative_position_index'
_SHARED = 'rel_pos_bias.'
# Entries behind the offsets: class token to patches, patches to class token,
# class token to itself.
_NUM_EXTRA = 3


class ResizableBEiTAttention(BEiTAttention):
    """BEiT's attention, whose bias follows the grid of patches.

    On the grid of its table it is bit-identical to the stock layer. On
    another grid the table is resized, and attention uses torch's
    ``scaled_dot_product_attention``. It stores no map of all tokens by all
    tokens except the bias.
    """

    mode = 'bicubic'

    def forward(self, x: Tensor, rel_pos_bias: tuple[int, int]) -> Tensor:
        """Attend; tokens are (B, 1 + rows * columns, C), class token first.

        Rows and columns of the patches come in the argument ``rel_pos_bias``,
        which the stock block hands on.
        """
        grid = rel_pos_bias
        if grid == self.window_size:
            return super().forward(x)
        qkv_bias = self.qkv.bias
        if self.bias == 'qv_bias':
            zeros = torch.zeros_like(self.v_bias)
            qkv_bias = torch.cat((self.q_bias, zeros, self.v_bias))
        qkv = F.linear(x, self.qkv.weight, qkv_bias)
        heads = qkv.unflatten(2, (3, self.num_heads, -1)).unbind(2)
        q, k, v = (part.transpose(1, 2) for part in heads)
        table = resize_bias_table(
            self.relative_position_bias_table,
            self.window_size,
            grid,
            self.mode,
        )
        x = F.scaled_dot_product_attention(
            q,
            k,
            v,
            # Mixed precision: gradients of the table are summed in float32.
            attn_mask=bias_of_pairs(table, grid).to(q.dtype)[None],
            dropout_p=self.attn_drop.p if self.training else 0.0,
            scale=self.scale,
        )
        return self.proj_drop(self.proj(x.transpose(1, 2).flatten(2)))


@MODELS.register_module()
class ResizableBEiT(BEiTViT):
    """BEiT's encoder for images of any size, and for any BEiT checkpoint.

    Keys and arguments are those of mmpretrain's :class:`BEiTViT`. At its own
    size (``img_size``), outputs and gradients are bit-identical. For an image
    of another size, each block's table of relative positions is resized
    (:func:`resize_bias_table`, with ``interpolate_mode``). If the sides of an
    image are not multiples of the patch size, it is padded with zeros at the
    bottom and right.

    When a checkpoint is loaded, every block gets a copy of the table that all
    blocks share in pre-training, as in BEiT's fine-tuning. Tables of another
    size are resized. The index that belongs to a table
    (``relative_position_index``, a constant) is not loaded.

    Args:
        *args: As :class:`BEiTViT`.
        **kwargs: As :class:`BEiTViT`. ``interpolate_mode`` is ``'bicubic'``
            (default) or ``'bilinear'``; ``use_rel_pos_bias`` and
            ``with_cls_token`` stay True.

    Raises:
        ValueError: If the blocks have no tables of their own, or there is no
            class token.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.use_rel_pos_bias or not self.with_cls_token:
            raise ValueError(
                'ResizableBEiT resizes a relative position bias in every '
                'block, with entries for the class token: leave '
                'use_rel_pos_bias and with_cls_token at True, '
                'use_shared_rel_pos_bias at False. A shared bias of the '
                'checkpoint is copied to every block.'
            )
        for layer in self.layers:
            layer.attn.__class__ = ResizableBEiTAttention
            layer.attn.mode = self.interpolate_mode

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x (Tensor): Normalised images, (B, 3, H, W), of any size.

        Returns:
            tuple[Tensor, ...]: A map per block of ``out_indices``; with
            ``out_type='featmap'`` of (B, C, ceil(H / patch), ceil(W / patch)).
        """
        patch = self.patch_embed.projection.stride
        grid = (-(-x.shape[-2] // patch[0]), -(-x.shape[-1] // patch[1]))
        # The stock forward hands to every block what it gets from here. As an
        # argument the size is there, too, when activations are recomputed.
        self.rel_pos_bias = partial(tuple, grid)
        return super().forward(x)

    # torch calls this before the load hooks, hence before the stock resize
    # (which needs a SciPy below 1.14).
    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        shared = state_dict.pop(f'{prefix}{_SHARED}{_TABLE}', None)
        state_dict.pop(f'{prefix}{_SHARED}{_INDEX}', None)
        for number, layer in enumerate(self.layers):
            key = f'{prefix}layers.{number}.attn.'
            if shared is not None:
                state_dict[key + _TABLE] = shared
            table = state_dict.get(key + _TABLE)
            if table is None:
                continue
            attention = layer.attn
            state_dict[key + _INDEX] = attention.relative_position_index
            if len(table) == len(attention.relative_position_bias_table):
                continue
            window = _square_window(table)
            state_dict[key + _TABLE] = resize_bias_table(
                table, window, attention.window_size, self.interpolate_mode
            )
            MMLogger.get_current_instance().info(
                f'Resize {key}{_TABLE} from {window} to '
                f'{attention.window_size} patches.'
            )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def resize_bias_table(
    table: Tensor,
    window: tuple[int, int],
    grid: tuple[int, int],
    mode: str = 'bicubic',
) -> Tensor:
    """Resize a table of relative position biases to another grid.

    From ((2h - 1) * (2w - 1) + 3, heads) of the window (h, w) to ((2H - 1) *
    (2W - 1) + 3, heads), of the table's type, of the grid (H, W), both in
    patches. The offsets -(h - 1), ..., h - 1 are a picture of 2h - 1 pixels,
    which is resized by ``torch.nn.functional.interpolate`` without aligned
    corners, in the mode ``'bicubic'`` or ``'bilinear'``; the offset 0 stays in
    its centre. The last three entries, of the class token, stay.
    """
    if window == grid:
        return table
    old, new = ([2 * side - 1 for side in sides] for sides in (window, grid))
    offsets, extra = table[:-_NUM_EXTRA], table[-_NUM_EXTRA:]
    picture = F.interpolate(
        offsets.float().T.unflatten(1, old)[None], new, mode=mode
    )
    return torch.cat((picture[0].flatten(1).T.to(table.dtype), extra))


def bias_of_pairs(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Spread a table of relative position biases over all pairs of tokens.

    From ((2h - 1) * (2w - 1) + 3, heads), the last three from the class token
    to patches, from patches to it, and to itself, of the grid (h, w), in
    patches, to (heads, 1 + h * w, 1 + h * w), queries by keys.
    """
    height, width = grid
    offsets, extra = table[:-_NUM_EXTRA].T, table[-_NUM_EXTRA:].T[..., None]
    picture = offsets.unflatten(1, (2 * height - 1, 2 * width - 1))
    # The entry of query r and key r' is that of the offset r - r', at
    # r + (h - 1 - r'): a window that slides with r, from its end. No index of
    # all pairs is needed, and no sum with atomics backwards.
    pairs = picture.unfold(1, height, 1).unfold(2, width, 1).flip(3, 4)
    pairs = pairs.flatten(3).flatten(1, 2)
    to_patches, to_class, itself = extra[:, :, None].unbind(1)
    count = height * width
    first = torch.cat((itself, to_patches.expand(-1, -1, count)), 2)
    rest = torch.cat((to_class.expand(-1, count, -1), pairs), 2)
    return torch.cat((first, rest), 1)


def _square_window(table: Tensor) -> tuple[int, int]:
    """The grid of a table, which only that of a square one tells."""
    side = round((len(table) - _NUM_EXTRA) ** 0.5)
    if side**2 + _NUM_EXTRA != len(table) or not side % 2:
        raise ValueError(
            'Only tables of square grids can be resized while they are '
            'loaded, ((2 * side - 1)^2 + 3, heads), but got '
            f'{tuple(table.shape)}: give the model the img_size of the '
            'checkpoint.'
        )
    return (side + 1) // 2, (side + 1) // 2
