# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence

from mmengine.config import Config

from .constructors import check_constructor_keys
from .data_paths import check_data_paths
from .names import check_names


def check_config(
    cfg: Config, phases: Sequence[str] = ('train', 'val')
) -> None:
    """Find mistakes of a config before the Runner is built.

    mmengine ignores unknown top-level names, and reports a wrong constructor
    key or a missing data set only when it builds the part, which for hooks
    and validation is late.

    Args:
        cfg (Config): The config of the run. Not changed.
        phases (Sequence[str]): Whose data must be there, of ``'train'``,
            ``'val'`` and ``'test'``. Defaults to ``('train', 'val')``.

    Raises:
        ValueError: If a top-level name that nothing reads resembles a
            setting or comes from the options.
        KeyError: If a ``type`` is in no registry.
        TypeError: If a constructor does not take a key of its config.
        FileNotFoundError: If a data set's folder or annotation file is not
            there.
    """
    check_names(cfg)
    check_constructor_keys(cfg)
    check_data_paths(cfg, phases)
