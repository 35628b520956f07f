# Copyright (c) aemim_mm contributors. All rights reserved.
import inspect
from collections.abc import Iterator, Mapping

from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.runner import (
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    LogProcessor,
    TestLoop,
    ValLoop,
)
from mmpretrain.models import (
    BaseSelfSupervisor,
    ClsDataPreprocessor,
    ImageClassifier,
    SelfSupDataPreprocessor,
)

from . import registries

KIND_OF_SECTION = {
    'model': 'model',
    'data_preprocessor': 'model',
    'train_cfg': 'loop',
    'val_cfg': 'loop',
    'test_cfg': 'loop',
    'optim_wrapper': 'optimizer wrapper',
    'param_scheduler': 'parameter scheduler',
    'default_hooks': 'hook',
    'custom_hooks': 'hook',
    'val_evaluator': 'metric',
    'test_evaluator': 'metric',
    'visualizer': 'visualizer',
    'log_processor': 'log processor',
}
# What mmengine builds from a section without a type.
DEFAULT_TYPES = {
    'val_cfg': ValLoop,
    'test_cfg': TestLoop,
    'optim_wrapper': OptimWrapper,
    'log_processor': LogProcessor,
}
# The same for the data preprocessor of these models.
PREPROCESSORS = {
    ImageClassifier: ClsDataPreprocessor,
    BaseSelfSupervisor: SelfSupDataPreprocessor,
}


def sections(
    cfg: Config, scope: str | None
) -> Iterator[tuple[str, str, object]]:
    """Place, kind of part and content of a config's sections.

    They have the types that mmengine supplies.
    """
    path, preprocessor = _preprocessor(cfg, scope)
    by_epoch = (cfg.get('train_cfg', None) or {}).get('by_epoch', True)
    types = {
        **DEFAULT_TYPES,
        'train_cfg': EpochBasedTrainLoop if by_epoch else IterBasedTrainLoop,
        'data_preprocessor': preprocessor,
    }
    if 'optimizer' not in (cfg.get('optim_wrapper', None) or ()):
        del types['optim_wrapper']  # several, for a constructor of its own
    for name, kind in KIND_OF_SECTION.items():
        section = cfg.get(name, None)
        yield name, kind, _typed(section, types.get(name, None))
    model = cfg
    for key in path.split('.'):
        model = model.get(key, None) or {}
    inner = model.get('data_preprocessor', None)
    typed = _typed(inner, preprocessor)
    if typed is not inner:  # with a type, it is seen within the model
        yield f'{path}.data_preprocessor', 'model', typed


def _typed(section: object, default: type | None) -> object:
    """A section with its default type where it names none."""
    if default is None or not isinstance(section, Mapping):
        return section
    if section.get('type', None) is not None:
        return section
    return {**section, 'type': default}


def _preprocessor(cfg: Config, scope: str | None) -> tuple[str, type | None]:
    """Place of the model, and the data preprocessor that it defaults to."""
    path, model = 'model', cfg.get('model', None) or {}
    if isinstance(model.get('module', None), Mapping):
        path, model = 'model.module', model['module']  # test-time augmentation
    for target in registries.find('model', model.get('type', ''), scope):
        for base, preprocessor in PREPROCESSORS.items():
            if inspect.isclass(target) and issubclass(target, base):
                return path, preprocessor
    return path, None
