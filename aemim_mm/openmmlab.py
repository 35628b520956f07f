# Copyright (c) aemim_mm contributors. All rights reserved.
"""Whether OpenMMLab is installed, and what to do where it is not."""

from importlib.util import find_spec

PACKAGES = ('mmengine', 'mmcv', 'mmpretrain')
# The maintained distributions of these.
ONEDL = tuple(f'onedl-{name}' for name in PACKAGES)
# What the plug-in needs besides.
COMPANIONS = ('torchvision', 'timm', 'safetensors', 'tqdm')


def missing() -> list[str]:
    """The packages that are not installed, without which there is no plug-in.

    One that is installed but fails when it is imported is not among them: its
    own error says more.

    Returns:
        list[str]: Their import names.
    """
    return [n for n in (*PACKAGES, *COMPANIONS) if not _is_there(n)]


def require(what: str) -> None:
    """Say in one message what to install for a part of this package.

    Args:
        what (str): Name of the part.

    Raises:
        ImportError: If a package of OpenMMLab is not installed.
    """
    names = missing()
    if names:
        raise ImportError(f'{what} needs {how_to_install(names)}')


def how_to_install(names: list[str]) -> str:
    """The end of a sentence that says what is missing and how to get it.

    Args:
        names (list[str]): What :func:`missing` gave.

    Returns:
        str: Begins with the packages that are needed.
    """
    return (
        f'{", ".join((*PACKAGES, *COMPANIONS))}, but {", ".join(names)} '
        f'{"is" if len(names) == 1 else "are"} not installed. OpenMMLab does '
        'not come with aemim_mm, since two distributions of it exist: either '
        f'`pip install {" ".join((*ONEDL, *COMPANIONS))}` (the maintained '
        f'one, tested), or `pip install {" ".join(COMPANIONS)}` and your own '
        'build of mmcv and mmpretrain. aemim_mm.core and aemim_mm.attacks '
        'work without'
    )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a stub in sys.modules
        return False
