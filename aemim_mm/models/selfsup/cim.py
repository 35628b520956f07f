# Copyright (c) aemim_mm contributors. All rights reserved.
"""CIM-RESPIX: an image is corrupted by a generator and restored."""

import torch
import torch.nn.functional as F
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class CIM(BaseSelfSupervisor):
    r"""Corrupted Image Modeling with pixels as target (CIM-RESPIX).

    Fang et al., ICLR 2023, arXiv 2202.03382. A frozen tokenizer gives the
    golden tokens t of an image x. A small BEiT, the generator G, sees the
    image under a mask m and predicts those of the masked patches. Tokens that
    are *sampled* from its distribution take their place, and the tokenizer
    decodes all of them into a corrupted image c. The enhancer E, without a
    mask, restores the original pixels, normalised (N) in a sliding window:

    .. math::
        \underbrace{- \log p_G(t_m | x_{\bar m})}_{\texttt{loss\_generator}} +
        \underbrace{\| h(E(c)) - N(x) \|^2}_{\texttt{loss\_enhancer}}

    with means over tokens and pixels. No gradient flows from the second
    term into the generator. The enhancer is ``backbone``, which alone is
    of use afterwards.

    Args:
        backbone (dict): The enhancer, whose last output is class token and
            patch tokens (B, 1 + L, C): ``out_type='raw'``.
        generator (dict): The generator, ``type='CIMGenerator'``.
        head (dict): Head and loss of the enhancer, ``type='CIMHead'``.
        target_generator (dict): The tokenizer, ``type='DALLETokenizer'`` or
            another module with its two methods.
        data_preprocessor (dict): One for two views,
            ``type='TwoNormDataPreprocessor'``. The first view goes to
            generator and enhancer, the second one, of the same crop, to the
            tokenizer.
        mask_ratio (float): Share of the tokens that are masked, in (0, 1).
            Defaults to 0.55.
        **kwargs: As :class:`mmpretrain.models.BaseSelfSupervisor`.

    Raises:
        ValueError: If ``mask_ratio`` is out of range, or the preprocessor is
            not for two views.
    """

    def __init__(
        self,
        backbone: dict,
        generator: dict,
        head: dict,
        target_generator: dict,
        data_preprocessor: dict,
        mask_ratio: float = 0.55,
        **kwargs,
    ) -> None:
        if not 0 < mask_ratio < 1:
            raise ValueError(f'mask_ratio={mask_ratio} must be in (0, 1)')
        super().__init__(
            backbone=backbone,
            head=head,
            target_generator=target_generator,
            data_preprocessor=data_preprocessor,
            **kwargs,
        )
        if not hasattr(self.data_preprocessor, 'second_mean'):
            raise ValueError(
                'CIM needs the image in two sizes, one for the tokenizer: '
                "data_preprocessor=dict(type='TwoNormDataPreprocessor', ...)"
            )
        self.generator = MODELS.build(generator)
        self.mask_ratio = mask_ratio

    def loss(
        self, inputs: list[Tensor], data_samples=None, **kwargs
    ) -> dict[str, Tensor]:
        """The losses of both networks.

        Args:
            inputs (list[Tensor]): Normalised images (B, C, H, W) and the same
                images as the tokenizer takes them.
            data_samples (list, optional): Not used. Defaults to None.
            **kwargs: Not used.

        Returns:
            dict[str, Tensor]: ``loss_generator``, the cross-entropy of the
            masked tokens, and ``loss_enhancer``.
        """
        prediction_losses, corrupted = self.corrupt(inputs)
        features = self.backbone(corrupted)[-1]
        return dict(
            loss_generator=prediction_losses.mean(),
            loss_enhancer=self.head.loss(features, inputs[0]),
        )

    def corrupt(self, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Let the generator corrupt images.

        Args:
            inputs (list[Tensor]): As :meth:`loss` takes them.

        Returns:
            tuple[Tensor, Tensor]: The generator's loss of each image, (B,),
            and the corrupted images, normalised, (B, C, H, W), without a
            graph and inside the pixel box.
        """
        image, small = inputs
        golden = self.target_generator(small)
        tokens = golden.flatten(1)
        count = max(1, round(self.mask_ratio * tokens.shape[1]))
        noise = torch.rand(tokens.shape, device=tokens.device)
        ids_masked = noise.argsort(1)[:, :count]

        logits = self.generator(image, ids_masked).float()
        losses = F.cross_entropy(
            logits.flatten(0, 1),
            tokens.gather(1, ids_masked).flatten(),
            reduction='none',
        ).view_as(ids_masked)
        tokens = tokens.scatter(1, ids_masked, self.sample(logits.detach()))
        decoded = self.target_generator.decode(tokens.view_as(golden))
        return losses.mean(1), self._as_first_view(decoded, image.shape[2:])

    @staticmethod
    def sample(logits: Tensor) -> Tensor:
        """Draw from softmax(logits), (..., V), by the Gumbel-max trick.

        The logits are float32, the result is (...), int64.
        :func:`torch.multinomial` draws alike, but checks values, for which the
        host waits.
        """
        # In place: with 8192 tokens the logits of a batch are a gigabyte.
        noise = torch.empty_like(logits).exponential_().log_()
        return noise.neg_().add_(logits).argmax(-1)

    def _as_first_view(self, decoded: Tensor, size: torch.Size) -> Tensor:
        """The tokenizer's images in the first view's size and range."""
        norm = self.data_preprocessor
        pixels = (decoded * norm.second_std + norm.second_mean).clamp(0, 255)
        if pixels.shape[2:] != size:
            # Unlike bicubic, it takes no pixel out of [0, 255].
            pixels = F.interpolate(pixels, size, mode='bilinear')
        return (pixels - norm.mean) / norm.std
