# Copyright (c) aemim_mm contributors. All rights reserved.
"""Reproduce tables and figures of the AEMIM paper, one command each.

Every row is pre-trained, fine-tuned and evaluated. Each run and seed has its
own folder. The tables are written in the paper's layout. To continue after an
interruption, run the same command again: a step is skipped if its result was
made from the same command, configs and weights.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.choices import PRESETS  # noqa: E402
from aemim_mm_cli.interruption import (  # noqa: E402
    Interrupted,
    catch_signals,
    release_signals,
)
from aemim_mm_cli.places import HOME, PACKAGE, ROOT  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402

# The paper's tables and figures, in its order.
TABLES = tuple(
    yaml.safe_load((PACKAGE / 'reproduction' / 'paper.yaml').read_text())
)
STUDY = 'study'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'tables',
        nargs='*',
        metavar='TABLE',
        help=f'some of {", ".join(TABLES)}, or all; or {STUDY} alone: what '
        'AEMIM does on Fashion-MNIST, with seeds and intervals',
    )
    parser.add_argument(
        '--rows',
        nargs='+',
        default=[],
        metavar='NAME',
        help='some rows, by a part of their names or of their runs (* stands '
        'for anything). Defaults to all.',
    )
    parser.add_argument(
        '--preset',
        choices=PRESETS,
        default='imagenet',
        help='imagenet: the scale of the paper. fashion-mnist: Tables 4, 5, '
        '6, 8, 9 and the figures, for a CPU. smoke: a few images each, only '
        'to show that it runs. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        help='each row is run once with each seed. Defaults to 0, and for '
        'the study to all its seeds.',
    )
    parser.add_argument(
        '--gpus',
        type=int,
        help='number of GPUs for each command, on this machine; the total '
        'batch of the recipe is kept. Defaults to 8 for imagenet, else 1.',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='number of rows to run at once, useful on a CPU. Defaults to '
        '%(default)s.',
    )
    parser.add_argument(
        '--redo',
        action='store_true',
        help='delete training runs in OUT that were made from another config '
        'or other weights, and run them again',
    )
    parser.add_argument(
        '--missing',
        action='store_true',
        help='for the study: only rows and seeds without results in the '
        'repository',
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='folder of all results. The report of the study needs none: it '
        'is made from the results in the repository.',
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        '--list',
        action='store_true',
        help='print every row with its published values and its configs',
    )
    action.add_argument(
        '--dry-run',
        action='store_true',
        help='print the commands in their order without running them, for '
        'example to run them on a cluster',
    )
    action.add_argument(
        '--report',
        action='store_true',
        help='run nothing: write report.md, tables.json and the pictures from '
        'what is in OUT',
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    args.study = args.tables == [STUDY]
    if args.study:
        args.tables = []
    elif 'all' in args.tables or (
        not args.tables and (args.list or args.report)
    ):
        args.tables = list(TABLES)
    unknown = [name for name in args.tables if name not in TABLES]
    if not args.study and (unknown or not args.tables):
        what = f'unknown: {", ".join(unknown)}' if unknown else 'name a TABLE'
        parser.error(
            f'{what}. There are {", ".join(TABLES)}, and all; '
            f'and {STUDY}, which stands alone.'
        )
    if args.out is None and not (args.list or (args.study and args.report)):
        parser.error('--out DIR: name a folder for the results')
    for name in ('gpus', 'jobs'):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1')
    if args.seeds is None and not args.study:
        args.seeds = [0]
    seeds = args.seeds or [0]
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        parser.error(f'--seeds {args.seeds}: different numbers from 0 on')
    if args.out is not None:
        args.out = args.out.resolve()
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.reproduction.commands import (  # noqa: E402
    COST,
    COST_TOOL,
    Place,
)
from aemim_mm.reproduction.executor import (  # noqa: E402
    Executor,
    StepError,
)
from aemim_mm.reproduction.folder_lock import folder_lock  # noqa: E402
from aemim_mm.reproduction.manifest import (  # noqa: E402
    Preset,
    read_preset,
    read_tables,
)
from aemim_mm.reproduction.plan import (  # noqa: E402
    Plan,
    make_plan,
    select_rows,
)
from aemim_mm.reproduction.report import (  # noqa: E402
    list_tables,
    write_report,
)
from aemim_mm.reproduction.steps import Step  # noqa: E402
from aemim_mm.reproduction.study import plan_study, read_study  # noqa: E402
from aemim_mm.reproduction.study_report import (  # noqa: E402
    list_study,
    write_study,
)
from aemim_mm.reproduction.study_results import (  # noqa: E402
    COST_FILE,
    is_complete,
    write_cost,
    write_results,
)
from aemim_mm.utils.storage import (  # noqa: E402
    AtomicLocalBackend,
    remove_partial,
)

# Says with which preset a folder was filled.
NOTE = 'reproduction.json'


def check_preset(out: Path, preset: str) -> None:
    """Refuse a folder that another preset has filled.

    Args:
        out (Path): The folder.
        preset (str): The preset.

    Raises:
        ValueError: If it holds the runs of another one.
    """
    note = out / NOTE
    if note.is_file():
        other = json.loads(note.read_text())['preset']
        if other != preset:
            raise ValueError(
                f'--out {out} holds runs of --preset {other}, but this is '
                f'--preset {preset}: name another folder.'
            )


def print_plan(plan: Plan) -> None:
    """Print the commands of a plan.

    Args:
        plan (Plan): The plan.
    """
    print(f'# from {ROOT}, on one machine')
    chain = None
    for step in plan.steps():
        if step.chain != chain:
            chain = step.chain
            print(f'\n# {chain}')
        print(shlex.join(step.command))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool.

    Returns:
        int: 0 if it is done, 1 if a step failed.

    Raises:
        ValueError: If the options do not fit.
    """
    args = parse_args(argv)
    if args.study:
        return run_study(args)
    preset = read_preset(args.preset)
    tables = [t for name, t in read_tables().items() if name in args.tables]
    if args.list:
        print(list_tables(tables, preset))
        return 0
    place = Place(args.out, args.gpus or preset.gpus)
    if args.jobs > 1 and place.gpus > 1:
        raise ValueError(
            f'--jobs {args.jobs} rows at once would share the GPUs of '
            f'--gpus {place.gpus}: leave one of them out.'
        )
    rows = select_rows(tables, args.rows)
    check_preset(args.out, args.preset)
    if args.report:
        return report(preset, args)
    plan = make_plan(preset, rows, args.seeds, place)
    if not plan.steps():
        names = dict.fromkeys(row.name for _, row in rows)
        raise ValueError(
            f'--preset {args.preset} has no recipe for {"; ".join(names)}.'
        )
    if plan.cost and not (HOME / COST_TOOL).is_file():
        # An installed package lacks it.
        print(
            f'{COST_TOOL} is not there: times are not measured, their columns '
            'stay empty. It is part of a checkout.',
            file=sys.stderr,
        )
        plan = replace(plan, cost=())
    if args.dry_run:
        print_plan(plan)
        return 0
    without = [row.name for _, row in rows if preset.run_of(row) is None]
    for name in dict.fromkeys(without):
        print(f'{name}: --preset {args.preset} has no recipe for it')
    executor = Executor(plan, args.jobs, args.redo)
    code = execute(executor, args.preset, args.out)
    # Where only times could not be measured, the tables are made as well.
    if code == 0 or (
        code == 1 and {chain for chain, _ in executor.left} == {COST}
    ):
        report(preset, args)
    return code


def execute(executor: Executor, preset: str, out: Path) -> int:
    """Carry a plan out.

    Args:
        executor (Executor): With the plan.
        preset (str): With which the folder is filled.
        out (Path): The folder.

    Returns:
        int: 0 if it is done, 1 if a step failed, 130 after Ctrl-C, 143 after
        SIGTERM.
    """
    note = json.dumps({'preset': preset})
    AtomicLocalBackend().put_text(f'{note}\n', out / NOTE)
    before = catch_signals()
    try:
        with folder_lock(out) as executor.pass_fds:
            remove_partial(out)
            executor.run()
    except StepError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    except Interrupted as stop:
        print(
            '\nInterrupted. Run the same command again to continue.',
            file=sys.stderr,
        )
        return stop.code
    finally:
        release_signals(before)
    return 0


def run_study(args: argparse.Namespace) -> int:
    """Run the study, or write its report.

    Args:
        args (argparse.Namespace): The options.

    Returns:
        int: 0 if it is done, 1 if a step failed.

    Raises:
        ValueError: If the options do not fit.
    """
    study = read_study()
    if args.list:
        print(list_study(study))
        return 0
    if not (HOME / study.results).is_dir():
        raise ValueError(
            f'{STUDY} keeps its results in {study.results}, which an '
            'installed package lacks: run it in a checkout.'
        )
    place = Place(args.out or Path(), args.gpus or 1)
    if args.out is not None:
        check_preset(args.out, STUDY)
    plan = plan_study(study, args.rows, args.seeds, place)
    if args.report:
        for path in write_study(study):
            print(path)
        return 0
    results = ROOT / study.results
    if args.missing:
        left = [c for c in plan.chains if not is_complete(c, results)]
        cost = () if (results / COST_FILE).is_file() else plan.cost
        plan = replace(plan, chains=tuple(left), cost=cost)
    chains = {chain[0].chain: chain for chain in plan.chains}

    def keep(step: Step) -> None:
        if step.chain in chains:
            write_results(study, chains[step.chain], step, results)
        elif step in plan.cost:
            write_cost(step, results)

    if args.dry_run:
        print_plan(plan)
        return 0
    return execute(Executor(plan, args.jobs, args.redo, keep), STUDY, args.out)


def report(preset: Preset, args: argparse.Namespace) -> int:
    """Write the tables, and print where.

    Args:
        preset (Preset): The preset.
        args (argparse.Namespace): The options.

    Returns:
        int: 0.
    """
    for path in write_report(
        preset, list(read_tables().values()), set(args.tables), args.out
    ):
        print(path)
    return 0


if __name__ == '__main__':
    run_main(main)
