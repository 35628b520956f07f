# Copyright (c) aemim_mm contributors. All rights reserved.
"""The three libraries an encoder can be exported to."""

from aemim_mm_cli.choices import TARGETS

from .architecture import Architecture
from .library import Library
from .mmdet_library import MMDet
from .mmpretrain_library import MMPretrain
from .source import Source
from .timm_folder import TimmFolder
from .timm_library import Timm

LIBRARIES: dict[str, type[Library]] = dict(
    mmpretrain=MMPretrain, mmdet=MMDet, timm=Timm
)


def in_library(
    source: Source,
    architecture: Architecture,
    target: str,
    folder: bool = False,
) -> Library:
    """A checkpoint as a library has it: weights, the code to load them, model.

    ``folder`` says whether timm gets a folder. ValueError if the target is
    none of ``TARGETS`` or has no such network.
    """
    if target not in LIBRARIES:
        raise ValueError(f'unknown target {target!r}; it is one of {TARGETS}')
    if folder and target == 'timm':
        return TimmFolder(source, architecture)
    return LIBRARIES[target](source, architecture)
