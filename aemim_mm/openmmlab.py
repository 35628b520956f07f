# Copyright (c) aemim_mm contributors. All rights reserved.
"""Whether OpenMMLab is installed, and what to do where it is not."""

from importlib.util import find_spec

PACKAGES = ('mmengine', 'mmcv', 'mmpretrain')


def missing() -> list[str]:
    """The packages of OpenMMLab that are not installed.

    One that is installed but fails when it is imported is not among them: its
    own error says more.

    Returns:
        list[str]: Their import names.
    """
    return [name for name in PACKAGES if not _is_there(name)]


def require(what: str) -> None:
    """Say in one message what to install for a part of this package.

    Args:
        what (str): Name of the part.

    Raises:
        ImportError: If a package of OpenMMLab is not installed.
    """
    names = missing()
    if names:
        raise ImportError(
            f'{what} needs {", ".join(PACKAGES)}, but {", ".join(names)} '
            f'{"is" if len(names) == 1 else "are"} not installed. They are '
            'not installed with aemim_mm, since two distributions of them '
            "exist: either `pip install 'aemim_mm[onedl]'` (the maintained "
            "one, tested), or `pip install 'aemim_mm[plugin]'` and your own "
            'build of mmcv and mmpretrain. aemim_mm.core and '
            'aemim_mm.attacks work without them'
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:
        return False
