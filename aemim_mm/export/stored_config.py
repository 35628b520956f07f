# Copyright (c) aemim_mm contributors. All rights reserved.
"""The config that a checkpoint carries, read without executing it.

``mmengine.Config.fromstring`` executes such a text as Python, and a registry
of mmengine imports and calls whatever a dotted ``type`` names; some registered
classes fetch code from the network. A file from somewhere else must not get
that far: the text is parsed, and may name nothing but the parts of plain
classifiers.
"""

import ast
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
# Of a classifier's config these are built, and these are read besides.
_BUILT = ('type', 'backbone', 'neck', 'head')
_READ = ('data_preprocessor', 'train_cfg', 'init_cfg')


def read_stored_config(text: str, classifier: bool) -> dict[str, Any]:
    """Read the config in a checkpoint, and check what the export builds.

    Args:
        text (str): ``checkpoint['meta']['cfg']``.
        classifier (bool): Whether a classifier is built, not just an encoder.

    Returns:
        dict[str, Any]: The config.

    Raises:
        ValueError: If the text is no Python, or names any other type.
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


def parse_config(text: str) -> dict[str, Any]:
    """Read the text of a config, as mmengine stores it in a checkpoint.

    Only literals and ``dict(...)`` are understood, which is all that mmengine
    writes for an ordinary config.

    Args:
        text (str): The text.

    Returns:
        dict[str, Any]: The variables. One whose value is anything else (a
        class, a call) is left out.

    Raises:
        ValueError: If the text is no Python.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ValueError(
            f'the config in the checkpoint cannot be read: {error}. Pass the '
            'config file of the run with --config'
        ) from error
    values = {}
    for statement in statements:
        if not isinstance(statement, ast.Assign):
            continue
        try:
            value = _value(statement.value)
        except (ValueError, TypeError):
            continue
        for target in statement.targets:
            if isinstance(target, ast.Name):
                values[target.id] = value
    return values


def _value(node: ast.AST) -> Any:
    """The value of a literal or of ``dict(key=literal, ...)``."""
    if isinstance(node, ast.Call):
        if (
            not isinstance(node.func, ast.Name)
            or node.func.id != 'dict'
            or any(keyword.arg is None for keyword in node.keywords)
        ):
            raise ValueError(f'not plain: {ast.dump(node)}')
        # dict({'.bias': ...}) is for keys that are no names
        items = dict(*(_value(argument) for argument in node.args))
        items.update({item.arg: _value(item.value) for item in node.keywords})
        return items
    if isinstance(node, ast.Dict):
        return {
            _value(key): _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    return ast.literal_eval(node)


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
