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

    Args:
        cfg (Config): The config of the run. Not changed.
        phases (Sequence[str]): Whose data must be there, of ``'train'``,
            ``'val'`` and ``'test'``. Weights are needed for ``'train'``
            alone. Defaults to ``('train', 'val')``.

    Raises:
        ValueError: If a top-level name that nothing reads resembles a
            setting or comes from the options, or if weights are damaged or
            refused.
        KeyError: If a ``type`` is in no registry.
        TypeError: If a constructor does not take a key of its config.
        FileNotFoundError: If a data set's folder or annotation file is not
            there, or weights are neither there nor can be downloaded.
    """
    check_names(cfg)
    check_constructor_keys(cfg)
    check_data_paths(cfg, phases)
    if 'train' in phases:
        check_weights(cfg)
