# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence

from mmengine.config import Config

from .constructors import check_constructor_keys
from .data_paths import check_data_paths
from .top_level_names import check_names
from .weights import check_weights


def check_config(
    cfg: Config, phases: Sequence[str] = ('train', 'val')
) -> None:
    """Find mistakes of a config before the Runner is built.

    mmengine ignores unknown top-level names, and reports a wrong constructor
    key, a missing data set or missing weights only when it builds the part,
    which is late. Weights that are named by a URL are downloaded here, if
    there is training, to where the model looks for them.

    The data of ``phases``, of ``'train'``, ``'val'`` and ``'test'``, must be
    there. The config is not changed.

    ValueError if a top-level name that nothing reads resembles a setting or
    comes from the options, or if weights are damaged or refused. KeyError if a
    ``type`` is in no registry, TypeError if a constructor does not take a key
    of its config. FileNotFoundError if a data set's folder or annotation file
    is not there, or weights are neither there nor can be downloaded.
    """
    check_names(cfg)
    check_constructor_keys(cfg)
    check_data_paths(cfg, phases)
    if 'train' in phases:
        check_weights(cfg)
