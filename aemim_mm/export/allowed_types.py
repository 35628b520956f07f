# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which classes the config in a checkpoint may name.

A registry of mmengine imports and calls whatever a dotted ``type`` names, and
some registered classes fetch code from the network: a config from somewhere
else may name nothing but the parts of plain classifiers.
"""

from collections.abc import Mapping
from typing import Any

_SCOPES = ('mmpretrain.', 'mmdet.', 'mmengine.')
ALLOWED = frozenset(
    """
    ImageClassifier
    VisionTransformer MAEViT DualNormViT
    SwinTransformer SimMIMSwinTransformer ResizableSwin
    GlobalAveragePooling ClsBatchNormNeck
    LinearClsHead VisionTransformerClsHead
    CrossEntropyLoss LabelSmoothLoss
    LN LN2d BN BN1d BN2d SyncBN GELU QuickGELU ReLU Tanh
    Pretrained TruncNormal Normal Constant Xavier Kaiming Uniform
    """.split()
)


def check_types(part: Any, key: str) -> None:
    """Check every ``type`` in a part of a config.

    Args:
        part (Any): The part: dicts, sequences and plain values.
        key (str): Its place in the config, for the message.

    Raises:
        ValueError: If a type is no name of ``ALLOWED``.
    """
    if isinstance(part, Mapping):
        if 'type' in part:
            name = part['type']
            bare = name if isinstance(name, str) else ''
            for scope in _SCOPES:
                bare = bare.removeprefix(scope)
            if bare not in ALLOWED:
                raise ValueError(
                    f'the config in the checkpoint has {key}.type={name!r}. '
                    'From a file only parts of plain ViT and Swin '
                    'classifiers are built, since other names can run code. '
                    'If you trust it, pass the config file of the run with '
                    '--config'
                )
        for name, value in part.items():
            check_types(value, f'{key}.{name}')
    elif isinstance(part, list | tuple):
        for index, value in enumerate(part):
            check_types(value, f'{key}[{index}]')
