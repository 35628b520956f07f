# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which rule holds for which class: the touch point for a new method.

An encoder that is not in ``ENCODERS`` is taken to return features only and
to get its mask as an argument; that is checked at the first step. A method
that is not in ``METHODS`` is taken to do no more than the default
:class:`MethodRule` says.
"""

from collections.abc import Callable

from mmpretrain.models import selfsup
from mmpretrain.models.backbones import (
    SparseConvNeXt,
    SparseResNet,
    VisionTransformer,
)
from torch import nn

from ...models.backbones import DualNormViT
from ...models.selfsup import CIM as CIMAlgorithm
from .base import (
    EncoderRule,
    MethodRule,
)
from .cae import CAE
from .cim import CIM
from .draws import (
    ATTENTION_TOKENS,
    BATCH_MASK,
    RANDOM_TOKENS,
    TOKEN_IDS,
)
from .mixmim import MIXMIM
from .spark import SPARK

_ALL = EncoderRule()  # all maps count, the mask is an argument
_MAE = EncoderRule(features=0, draw=RANDOM_TOKENS)
_HIVIT = EncoderRule(features=0, draw=TOKEN_IDS)


def _itpn(encoder: nn.Module) -> EncoderRule:
    return _HIVIT if encoder.reconstruction_type == 'pixel' else _ALL


ENCODERS: dict[
    type[nn.Module], EncoderRule | Callable[[nn.Module], EncoderRule]
] = {
    selfsup.MAEViT: _MAE,  # MAE and EVA
    DualNormViT: _MAE,
    selfsup.MFFViT: _MAE,
    selfsup.MAEHiViT: _HIVIT,
    selfsup.MILANViT: EncoderRule(features=0, draw=ATTENTION_TOKENS),
    selfsup.MixMIMPretrainTransformer: EncoderRule(
        features=0, draw=BATCH_MASK
    ),
    selfsup.iTPNHiViT: _itpn,
    selfsup.SimMIMSwinTransformer: _ALL,
    selfsup.MaskFeatViT: _ALL,
    selfsup.BEiTPretrainViT: _ALL,
    selfsup.CAEPretrainViT: _ALL,
    VisionTransformer: _ALL,  # CIM
    SparseResNet: _ALL,
    SparseConvNeXt: _ALL,
}
METHODS: dict[type[nn.Module], MethodRule] = {
    selfsup.SparK: SPARK,
    selfsup.MixMIM: MIXMIM,
    selfsup.CAE: CAE,
    CIMAlgorithm: CIM,
}


def encoder_rule(encoder: nn.Module) -> EncoderRule:
    """The rule of the nearest class of ``encoder`` that has one.

    The default rule if none has.
    """
    rule = _nearest(type(encoder), ENCODERS)
    if rule is None or isinstance(rule, EncoderRule):
        return rule or EncoderRule()
    return rule(encoder)


def method_rule(method: type[nn.Module]) -> MethodRule:
    """The rule of the nearest class of ``method`` that has one.

    The default rule if none has.
    """
    return _nearest(method, METHODS) or MethodRule()


def _nearest(cls: type, table: dict):
    return next((table[c] for c in cls.__mro__ if c in table), None)
