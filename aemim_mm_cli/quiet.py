# Copyright (c) aemim_mm contributors. All rights reserved.
"""Lines of other libraries that say nothing to a user are left out.

Each is known by its exact text: whatever else a library says is shown.
"""

import logging
import re
import sys
import warnings
from typing import TextIO

# Of Python's warnings. What follows the text may differ between builds.
WARNED = (
    'Fail to import ``MultiScaleDeformableAttention`` from '
    '``mmcv.ops.multi_scale_deform_attn``, You should install ``mmcv`` rather '
    'than ``mmcv-lite`` if you need this module. ',
    # mmpretrain reads Fashion-MNIST so, and only reads.
    'The given NumPy array is not writable, and PyTorch does not support '
    'non-writable tensors. This means writing to this tensor will result in '
    'undefined behavior. You may want to copy the array to protect its data '
    'or make it writable before converting it to a tensor. This type of '
    'warning will be suppressed for the rest of this program.',
)
# Of what libraries print.
PRINTED = (
    'Could not import OneDL',
    'Could not import OneDL. Skipping OneDL datasets.',
)
# Of mmengine's log. Its own hooks and constructors are meant.
LOGGED = (
    r'"FileClient" will be deprecated in future\. Please use io functions in '
    r'https://\S+',
    r'"HardDiskBackend" is the alias of "LocalBackend" and the former will be '
    r'deprecated in future\.',
    r'\S+ is skipped since its requires_grad=False',
)


class _Lines:
    """A stream that leaves known lines out."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.left_out = False

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        # print() writes the end of a line by itself.
        was_left_out, self.left_out = self.left_out, text in PRINTED
        if self.left_out or (was_left_out and text == '\n'):
            return len(text)
        return self.stream.write(text)


def be_quiet() -> None:
    """Leave known warnings and printed lines out, from now on.

    To be called before torch and mmengine are imported.
    """
    for text in WARNED:
        warnings.filterwarnings('ignore', message=re.escape(text))
    if not isinstance(sys.stdout, _Lines):
        sys.stdout = _Lines(sys.stdout)  # type: ignore[assignment]


def is_news(record: logging.LogRecord) -> bool:
    """Whether a line of mmengine's log is none of the known ones.

    For ``Logger.addFilter``.
    """
    text = record.getMessage()
    return not any(re.fullmatch(pattern, text) for pattern in LOGGED)
