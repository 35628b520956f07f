# Copyright (c) aemim_mm contributors. All rights reserved.
"""The MAE encoder in explicit form: mask as data, adapters as data."""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmpretrain.models.selfsup import MAEViT
from mmpretrain.models.utils import resize_pos_embed
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ...checkpoints import read_checkpoint
from ...core import (
    AdapterBank,
    call_swapped,
)
from ...utils import pretrained_cfgs
from ...utils.tokens import (
    gather_tokens,
    kept_ids,
    masking_of,
)
from ..layers import FlatBlock
from ..layers.sincos import grid_of_table, likelier_grid, sincos_table


@MODELS.register_module()
class DualNormViT(MAEViT):
    """Vision Transformer for (AE)MAE with one or two sets of norm layers.

    Its state-dict keys, outputs and random mask are those of mmpretrain's
    :class:`MAEViT`. The differences:

    - Only the visible patches are embedded (the stock class embeds all of
      them and then drops 75 %).
    - Its blocks are :class:`~aemim_mm.models.layers.FlatBlock`: bit-identical
      results with fewer operations and a shorter backward pass.
    - The mask can be data: pass the indices of the patches to keep.
    - The adapters can be data: pass tensors by name, or ``'adv'``.
    - ``mask=None`` and ``mask=False`` both encode all patches. With
      ``mask_ratio=0.`` it is a plain backbone, for fine-tuning and detection:
      it returns a tuple of feature maps, also in train mode.
    - ``img_size`` may be (height, width), and :meth:`init_weights` keeps what
      ``init_cfg=dict(type='Pretrained', ...)`` has loaded.
    - The position embedding of a checkpoint of another shape, rectangles
      included, is resized. Its grid is computed from its sin-cos values.

    Without :class:`AEMIMAlgorithm` it can hold both sets of norm layers: with
    ``adapters=('norm', )`` it has an :class:`AdapterBank` under ``adv.*``, for
    AdvProp-style fine-tuning and for evaluating the adversarial branch of an
    AEMIM checkpoint. Inside :class:`AEMIMAlgorithm` leave ``adapters`` empty,
    because the algorithm holds the bank.

    The position embedding is sin-cos and is not trained, as in
    :class:`MAEViT`.

    Args:
        *args: As :class:`MAEViT`.
        adapters (Sequence[str]): Adapters of which the backbone itself holds
            a copy: a subset of ``'norm'`` and ``'cls_token'``. Defaults to
            ``()``.
        **kwargs: As :class:`MAEViT`. One-channel images:
            ``patch_cfg=dict(in_channels=1)``.

    Raises:
        ValueError: If the patch embedding is not a plain non-overlapping
            convolution, an adapter is unknown, or the share of masked patches
            is not in [0, 1).
    """

    def __init__(self, *args, adapters: Sequence[str] = (), **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not 0 <= self.mask_ratio < 1:
            raise ValueError(
                f'mask_ratio={self.mask_ratio} must be in [0, 1): it is the '
                'share of patches that are masked'
            )
        FlatBlock.take_over(self)
        conv = self.patch_embed.projection
        if (
            type(conv) is not nn.Conv2d
            or conv.kernel_size != conv.stride
            or conv.padding != (0, 0)
            or conv.dilation != (1, 1)
            or conv.groups != 1
        ):
            raise ValueError(
                'DualNormViT needs a patch embedding whose stride equals its '
                f'kernel size, but patch_cfg gives {conv}. Use MAEViT'
            )
        self.adapters = tuple(adapters)
        if self.adapters:
            self.adv = AdapterBank(self, adapters)
            self._loaded_twins: set[str] = set()
            self._register_load_state_dict_pre_hook(self._fill_adapters)

    def _fill_adapters(self, state_dict, prefix, *args) -> None:
        """Load-state-dict pre-hook: old checkpoints have no ``adv.*``."""
        found = self.adv.fill_missing(state_dict, prefix, f'{prefix}adv.')
        self._loaded_twins |= found

    def init_weights(self) -> None:
        """Initialise as MAE does, or keep what ``Pretrained`` has loaded."""
        if self.is_init:  # as BaseModule: the first call counts
            return
        if self.adapters:
            self._loaded_twins.clear()  # the originals are about to change
        BaseModule.init_weights(self)
        pretrained = next(pretrained_cfgs(self), None)
        if pretrained is None:
            self.pos_embed.data.copy_(
                sincos_table(tuple(self.patch_resolution), self.embed_dims)
            )
            nn.init.xavier_uniform_(
                self.patch_embed.projection.weight.data.flatten(1)
            )
            nn.init.normal_(self.cls_token, std=0.02)
        elif self.adapters:
            self._load_algorithm_adapters(pretrained)
        if self.adapters:
            self.adv.copy_from(self, skip=self._loaded_twins)

    def _prepare_pos_embed(self, state_dict, prefix, *args, **kwargs) -> None:
        """Load-state-dict pre-hook: resize an embedding of another grid."""
        name = f'{prefix}pos_embed'
        table, grid = state_dict.get(name), tuple(self.patch_resolution)
        if table is None or table.shape[2:] != self.pos_embed.shape[2:]:
            return  # missing, or of another architecture: it is said
        found = grid_of_table(table)
        if found is None:
            found = self._grid_of_trained(name, table)
        state_dict[name] = resize_pos_embed(
            table, found, grid, self.interpolate_mode, self.num_extra_tokens
        )

    def _grid_of_trained(self, name: str, table: Tensor) -> tuple[int, int]:
        """The grid of a table that is not sin-cos: a square, or our own."""
        count, grid = table.shape[1] - 1, tuple(self.patch_resolution)
        side = math.isqrt(count)
        square = (side, side) if side * side == count else None
        if count != grid[0] * grid[1] and square is None:
            raise ValueError(
                f'{name} of the checkpoint was trained on {count} patches, no '
                'square: its height and width are not known. '
                f'img_size={self.img_size} is not the one of that training; '
                'set that one'
            )
        if count != grid[0] * grid[1] or square in (None, grid):
            return square or grid
        # one of the square, or that of a run on such rectangles
        found = likelier_grid(table, grid, square)
        if found is None:
            raise ValueError(
                f'{name} of the checkpoint has {count} patches, which may be '
                f'{side} x {side} or {grid[0]} x {grid[1]}: its values do not '
                f'tell. Set another img_size than {self.img_size}'
            )
        if found == square:
            print_log(
                f'{name} of the checkpoint is of {side} x {side} patches by '
                f'its values, and is resized to {grid[0]} x {grid[1]}',
                logger='current',
            )
        return found

    @torch.no_grad()
    def _load_algorithm_adapters(self, cfg: Mapping) -> None:
        """Take ``adv.backbone.*`` of an AEMIM checkpoint.

        ``prefix='backbone.'`` does not see them: the algorithm's bank is
        beside the backbone, not inside it.
        """
        checkpoint = read_checkpoint(cfg['checkpoint'], map_location='cpu')
        state_dict = checkpoint.get('state_dict', checkpoint)
        prefix = cfg.get('prefix') or ''
        if prefix:  # mmengine takes it with and without the dot
            prefix = prefix.removesuffix('.') + '.'
        for name, twin in self.adv.tensors().items():
            value = state_dict.get(f'adv.{prefix}{name}')
            if value is not None:
                twin.copy_(value)
                self._loaded_twins.add(name)
        print_log(
            f'{len(self._loaded_twins)} of {len(self.adv.tensors())} '
            f'adversarial adapters are in {cfg["checkpoint"]}; the others '
            'start as copies of the clean ones',
            logger='current',
        )

    def random_masking(
        self, x: Tensor, mask_ratio: float = 0.75
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw a mask, as :meth:`MAEViT.random_masking` does.

        Same draw from the random generator; the index is not materialised.

        Args:
            x (Tensor): Tokens of any width, (B, L, C).
            mask_ratio (float): Share of tokens to remove. Defaults to 0.75.

        Returns:
            tuple[Tensor, Tensor, Tensor]: The visible tokens (B, K, C), the
            mask (B, L; 0 is keep, 1 is remove), and the ids that restore the
            order (B, L).
        """
        num_images, num_tokens, _ = x.shape
        num_kept = int(num_tokens * (1 - mask_ratio))
        noise = torch.rand(num_images, num_tokens, device=x.device)
        ids_shuffle = torch.argsort(noise, dim=1)
        ids_restore = torch.argsort(ids_shuffle, dim=1)
        mask = (ids_restore >= num_kept).float()
        return gather_tokens(x, ids_shuffle[:, :num_kept]), mask, ids_restore

    def forward(
        self,
        x: Tensor,
        mask: bool | Tensor | None = True,
        adapters: Mapping[str, Tensor] | str | None = None,
    ) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x (Tensor): Normalised images, (B, C, H, W).
            mask (bool | Tensor, optional): True draws a random mask; a tensor
                (B, K) of integers names the patches to keep; None or False
                encodes all patches. With ``mask_ratio=0.`` True does not mask
                either. Defaults to True.
            adapters (Mapping[str, Tensor] | str, optional): Tensors by stock
                name to use in place of the backbone's own (say,
                ``layers.0.ln1.weight``), or ``'adv'`` for its own bank.
                Defaults to None, the clean adapters. In training not together
                with activation checkpointing, which would recompute the
                blocks with the clean ones.

        Returns:
            tuple[Tensor, ...]: Masked: latent (B, 1 + K, C), mask (B, L; 1 is
            removed) and ids_restore (B, L). Unmasked: the outputs of
            ``out_indices`` in the form of ``out_type``.

        Raises:
            ValueError: If ``adapters='adv'`` and the backbone has none, or a
                masked image is not of the size the backbone was built for.
            TypeError: If ``mask`` is a tensor but not of integers.
        """
        if adapters is not None:
            if isinstance(adapters, str):
                adapters = self._own_bank(adapters)
            return call_swapped(self, adapters, lambda: self.forward(x, mask))
        if mask is None or mask is False:
            return super().forward(x, mask=None)
        if mask is True and self.mask_ratio == 0:
            return super().forward(x, mask=None)
        return self._forward_masked(x, mask)

    def _own_bank(self, name: str) -> dict[str, Tensor]:
        if name != 'adv' or not self.adapters:
            raise ValueError(
                f"adapters={name!r}: only 'adv' has a name, and it needs a "
                "DualNormViT that was built with adapters=('norm',), "
                "('cls_token',) or both"
            )
        return self.adv.tensors()

    def _forward_masked(self, x: Tensor, mask: bool | Tensor):
        patches = self._patchify(x)
        if isinstance(mask, Tensor):
            if mask.dtype not in (torch.int64, torch.int32):
                raise TypeError(
                    'mask must hold the indices of the patches to keep, '
                    f'(B, K) integers, but got {mask.dtype}'
                )
            ids_keep = mask.long()
            mask, ids_restore = masking_of(ids_keep, patches.shape[1])
            visible = gather_tokens(patches, ids_keep)
        else:
            visible, mask, ids_restore = self.random_masking(
                patches, self.mask_ratio
            )
            ids_keep = kept_ids(ids_restore, visible.shape[1])

        conv = self.patch_embed.projection
        x = F.linear(visible, conv.weight.flatten(1), conv.bias)
        if self.patch_embed.norm is not None:
            x = self.patch_embed.norm(x)
        x = x + gather_tokens(self.pos_embed[:, 1:], ids_keep)
        cls_token = self.cls_token + self.pos_embed[:, :1]
        x = torch.cat((cls_token.expand(x.shape[0], -1, -1), x), dim=1)
        for layer in self.layers:
            x = layer(x)
        if self.final_norm:
            x = self.ln1(x)
        return x, mask, ids_restore

    def _patchify(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to raw patches (B, L, C * p * q)."""
        p, q = self.patch_embed.projection.kernel_size
        rows, columns = self.patch_resolution
        if x.shape[-2:] != (rows * p, columns * q):
            raise ValueError(
                f'masked encoding needs images of {rows * p} x {columns * q} '
                f'pixels (img_size={self.img_size}, patch {p} x {q}), but got '
                f'{x.shape[-2]} x {x.shape[-1]}'
            )
        x = x.unflatten(3, (columns, q)).unflatten(2, (rows, p))
        return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def get_layer_depth(
        self, param_name: str, prefix: str = ''
    ) -> tuple[int, int]:
        """The layer-wise depth; a twin has its clean parameter's depth.

        Args:
            param_name (str): Name of the parameter.
            prefix (str): Prefix of the backbone. Defaults to ``''``.

        Returns:
            tuple[int, int]: The depth and the number of depths.
        """
        if param_name.startswith(f'{prefix}adv.'):
            param_name = prefix + param_name[len(prefix) + len('adv.') :]
        return super().get_layer_depth(param_name, prefix)
