# Copyright (c) aemim_mm contributors. All rights reserved.
"""The command ``aemim``: the tools and recipes, wherever they lie."""

import argparse
import fnmatch
import sys
import types
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .places import TOOLS, config_path, recipes

# The tool behind each subcommand, and what it does.
COMMANDS = {
    'train': ('train', 'pre-train or fine-tune a model'),
    'test': ('test', 'test a model and report its metrics'),
    'export': (
        'export_backbone',
        'write the encoder of a checkpoint for mmpretrain, mmdet or timm',
    ),
    'import': (
        'import_checkpoint',
        'convert the weights of another library to a checkpoint',
    ),
    'features': ('extract_features', 'compute the features of images'),
    'robustness': (
        'evaluate_robustness',
        'evaluate a classifier under corruptions and attacks',
    ),
    'reproduce': ('reproduce', 'make tables and figures of the paper'),
}


def build_parser() -> argparse.ArgumentParser:
    """The command line.

    It only lists the tools: each reads its own options.
    """
    parser = argparse.ArgumentParser(
        prog='aemim',
        description='AEMIM: adversarial examples meet masked image modeling.',
        epilog='`aemim COMMAND --help` lists the options of a command.',
    )
    parser.add_argument('--version', action='version', version=_version())
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='COMMAND'
    )
    for name, (tool, summary) in COMMANDS.items():
        if (TOOLS / f'{tool}.py').is_file():
            commands.add_parser(name, help=summary, add_help=False)
    configs = commands.add_parser(
        'configs', help='list the recipes, or print one'
    )
    configs.add_argument(
        'name',
        nargs='?',
        default='*',
        help='a recipe, which is printed; or a folder, or a part of the path '
        'with *, for those to list. Defaults to all.',
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; arguments are those of the process if they are None.

    SystemExit with the exit code of the tool, or with 2 at a mistake.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    tool, _ = COMMANDS.get(argv[0] if argv else '', ('', ''))
    if tool and (TOOLS / f'{tool}.py').is_file():
        sys.argv = [f'aemim {argv[0]}', *argv[1:]]
        _run(TOOLS / f'{tool}.py')
        return
    parser = build_parser()
    args = parser.parse_args(argv)
    pattern = args.name if '*' in args.name else f'{args.name.rstrip("/")}/'
    found = fnmatch.filter([f'/{name}' for name in recipes()], f'*{pattern}*')
    if '*' in args.name and not found:
        parser.error(
            f'no recipe has {args.name} in its path. `aemim configs` lists '
            'the recipes.'
        )
    if found:
        print(*(name[1:] for name in found), sep='\n')
        return
    try:
        print(open(config_path(args.name)).read(), end='')
    except (argparse.ArgumentTypeError, OSError) as error:
        parser.error(str(error))


def _run(tool: Path) -> None:
    """Run a script as Python does; runpy would change ``sys.argv``."""
    module = types.ModuleType('__main__')
    module.__file__ = str(tool)
    sys.modules['__main__'] = module
    exec(compile(tool.read_bytes(), tool, 'exec'), vars(module))


def _version() -> str:
    try:
        return f'aemim_mm {version("aemim_mm")}'
    except PackageNotFoundError:
        return 'aemim_mm, a checkout that is not installed'


if __name__ == '__main__':
    main()
