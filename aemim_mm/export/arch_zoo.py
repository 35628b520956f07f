# Copyright (c) aemim_mm contributors. All rights reserved.
"""The ``arch`` of a backbone's config, looked up and held to the weights."""

from collections.abc import Mapping
from typing import Any

from mmpretrain.registry import MODELS


def named_arch(
    backbone: Mapping[str, Any], **shapes: Any
) -> dict[str, Any] | None:
    """The architecture that the config of a backbone names.

    The backbone is built: some classes add names to the table of their base
    class when they are.

    Args:
        backbone (Mapping): The config, or empty.
        **shapes: What the weights say, by the keys of ``arch``.

    Returns:
        dict[str, Any] | None: The keys of ``arch``; None without a config.

    Raises:
        ValueError: If the backbone cannot be built, or the weights say
            otherwise.
    """
    if not backbone:
        return None
    cfg = {key: value for key, value in backbone.items() if key != 'init_cfg'}
    try:
        arch = MODELS.build(cfg).arch_settings
    except (
        AssertionError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f'the backbone {cfg.get("type")!r} with arch={cfg.get("arch")!r} '
            f'of the config cannot be built: {error}. Pass the config file of '
            'the run, with classes that mmpretrain or aemim_mm has, with '
            '--config'
        ) from error
    for key, value in shapes.items():
        said = arch.get(key)
        said = list(said) if isinstance(said, tuple) else said
        if said != value:
            raise ValueError(
                f'the config says {key}={said}, the weights say {value}: '
                'they are not of the same run. Pass the config file of the '
                'run with --config'
            )
    return dict(arch)
