# Copyright (c) aemim_mm contributors. All rights reserved.
"""Where recipes and tools lie: in a checkout, or in the installed package."""

import difflib
import os
from argparse import ArgumentTypeError
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / 'aemim_mm'
# OpenMMLab's folder for what is no Python package. In a checkout it holds
# links, in an installed package the files themselves.
_MIM = PACKAGE / '.mim'
CONFIGS = (_MIM / 'configs').resolve()
TOOLS = (_MIM / 'tools').resolve()
# The folder that holds both. In the checkout it is its root.
HOME = TOOLS.parent
# Where data and runs go if nothing else is said: nobody looks for them in an
# installed package.
ROOT = Path.cwd() if HOME == _MIM else HOME


def tool(name: str) -> str:
    """A tool, such as ``'train.py'``, as it is typed here, for messages.

    From the root of a checkout ``tools/train.py``, from elsewhere and of an
    installed package the whole path.
    """
    path, here = TOOLS / name, Path.cwd()
    return str(path.relative_to(here) if here == HOME else path)


def recipes() -> dict[str, Path]:
    """Config files of all recipes by their place in ``configs``.

    The place has no ``.py``.
    """
    found = {}
    for path in sorted(CONFIGS.rglob('*.py')):
        place = path.relative_to(CONFIGS)
        if '_base_' not in place.parts:
            found[str(place).removesuffix('.py')] = path
    return found


def config_path(text: str) -> str:
    """The file of a config that is named on a command line.

    By its path, or by the name of a recipe: that of its file, as much of the
    path before it as you like. A path that leads nowhere is given back as it
    is: who opens it says so. ArgumentTypeError if a text is neither a path nor
    the name of one recipe.
    """
    if os.path.isfile(text):
        return text
    known = recipes()
    name = text.removeprefix('configs/').removesuffix('.py')
    found = [p for n, p in known.items() if f'/{n}'.endswith(f'/{name}')]
    if len(found) == 1:
        return str(found[0])
    if Path(text).suffix:
        return text
    if found:
        hint = f'is the name of {len(found)} recipes: name the folder, too.'
    else:
        hint = 'is neither a file nor the name of a recipe.'
        stems = [path.stem for path in known.values()]
        near = difflib.get_close_matches(name, stems, n=3)
        if near:
            hint += f' Did you mean {" or ".join(near)}?'
    raise ArgumentTypeError(
        f'"{text}" {hint} `aemim configs` lists the recipes.'
    )
