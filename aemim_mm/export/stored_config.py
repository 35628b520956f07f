# Copyright (c) aemim_mm contributors. All rights reserved.
"""The config that a checkpoint carries, read without executing it.

``mmengine.Config.fromstring`` executes such a text as Python, and a registry
of mmengine imports and calls whatever a dotted ``type`` names; some registered
classes fetch code from the network. A file from somewhere else must not get
that far: the text is parsed, and may name nothing but the parts of plain
classifiers.
"""

from collections.abc import Mapping
from typing import Any

from ..checkpoints.config_text import parse_config

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
# Of a classifier's config these are built, and these are read besides.
_BUILT = ('type', 'backbone', 'neck', 'head')
_READ = ('data_preprocessor', 'train_cfg', 'init_cfg')


def read_stored_config(text: str, classifier: bool) -> dict[str, Any]:
    """Read ``checkpoint['meta']['cfg']``, and check what the export builds.

    That is an encoder, or a whole classifier. ValueError if the text is no
    Python, or names any other type.
    """
    config = parse_config(text)
    model = config.get('model')
    if isinstance(model, Mapping):
        for name in _BUILT if classifier else ('backbone',):
            value = model.get(name)
            if name == 'type':
                value = dict(type=value)
            check_types(value, f'model.{name}')
        if classifier:
            config['model'] = {
                k: v for k, v in model.items() if k in _BUILT + _READ
            }
    return config


def check_types(part: Any, key: str) -> None:
    """Check every ``type`` in a part of a config, which lies at ``key``.

    ValueError if a type is no name of ``ALLOWED``.
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
