# Copyright (c) aemim_mm contributors. All rights reserved.
"""Values out of range."""

from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import NamedTuple

from ..utils import type_name
from .disagreement import Disagreement
from .run import Run

# Names of arguments by the range of their values: those with which a run would
# train for nothing without a word, such as a percentage in place of a share. A
# sequence's items have the same range, None is left to the constructor.
# `Owner.name` holds for one type and goes before the bare name.
REAL = {
    '[0, inf)': 'lr weight_decay eta_min Normal.std TruncNormal.std',
    '(0, inf)': 'std',
    '(0, inf]': 'max_norm',
    '[0, 1]': 'prob erase_prob torchvision/RandomHorizontalFlip.p',
    '(0, 1]': """
        crop_ratio_range layer_decay_rate
        RandomResizedCropAndInterpolationWithTwoPic.scale""",
    '[0, 1)': """
        betas label_smooth_val drop_rate drop_path_rate
        DualNormViT.mask_ratio""",
    '(0, 1)': 'mask_ratio',
}
WHOLE = {
    '[1, inf)': """
        batch_size accumulative_counts max_epochs max_iters val_interval"""
}
# What a run of each tool builds.
TRAINED = (
    'model',
    'data_preprocessor',
    'train_dataloader',
    'val_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
    'val_evaluator',
    'default_hooks',
    'custom_hooks',
    'log_processor',
    'randomness',
)
TESTED = (
    'model',
    'data_preprocessor',
    'test_dataloader',
    'test_evaluator',
    'log_processor',
    'randomness',
)


class Range(NamedTuple):
    """An interval of numbers, which reads as it is written.

    Attributes:
        text (str): Such as ``'(0, 1]'``.
        whole (bool): Whether only whole numbers belong to it.
    """

    text: str
    whole: bool

    def __contains__(self, value: object) -> bool:
        kinds = Integral if self.whole else Real
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        value = float(value)
        low, high = map(float, self.text[1:-1].split(','))
        above = value >= low if self.text[0] == '[' else value > low
        below = value <= high if self.text[-1] == ']' else value < high
        return above and below

    def __str__(self) -> str:
        return f'a {"whole " if self.whole else ""}number in {self.text}'


RANGES = {
    name: Range(text, whole)
    for table, whole in ((REAL, False), (WHOLE, True))
    for text, names in table.items()
    for name in names.split()
}


def values_in_range(run: Run) -> None:
    """A share is a share, a rate no text, a length at least 1."""
    for section in TRAINED if 'train' in run.phases else TESTED:
        for owner, name, key, value in _values(run.cfg.get(section), section):
            allowed = RANGES.get(f'{owner}.{name}', RANGES.get(name))
            if allowed is not None:
                _check(key, value, allowed)


def _values(
    part: object, key: str, owner: str = '', name: str = ''
) -> Iterator[tuple[str, str, str, object]]:
    """Owner's type, name, full key and value of every argument."""
    if isinstance(part, Mapping):
        kind = part.get('type') or name or key
        for child, value in part.items():
            path = f'{key}.{child}'
            yield from _values(value, path, type_name(kind), str(child))
    elif isinstance(part, list | tuple) and any(
        isinstance(item, Mapping | list) for item in part
    ):
        for place, item in enumerate(part):
            yield from _values(item, f'{key}.{place}', owner, name)
    else:
        yield owner, name, key, part


def _check(key: str, value: object, allowed: Range) -> None:
    if isinstance(value, list | tuple):
        for place, item in enumerate(value):
            _check(f'{key}.{place}', item, allowed)
    elif value is not None and value not in allowed:
        raise Disagreement(f'{key}={value!r} must be {allowed}.')
