# Copyright (c) aemim_mm contributors. All rights reserved.
"""Reproduce tables and figures of the AEMIM paper, one command each."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.interruption import (  # noqa: E402
    Interrupted,
    catch_signals,
    release_signals,
)
from aemim_mm_cli.places import HOME, ROOT  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.reproduce_arguments import STUDY, parse_args  # noqa: E402
from aemim_mm_cli.user_errors import run_main  # noqa: E402

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
from aemim_mm.reproduction.study import (  # noqa: E402
    data_for,
    plan_study,
    read_study,
)
from aemim_mm.reproduction.study_report import (  # noqa: E402
    list_study,
    write_study,
)
from aemim_mm.reproduction.study_results import (  # noqa: E402
    has_cost,
    is_complete,
    list_strays,
    write_cost,
    write_results,
)
from aemim_mm.utils.folder_lock import folder_lock  # noqa: E402
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


def place_of(args: argparse.Namespace, out: Path, gpus: int) -> Place:
    """Where and with what a plan is carried out.

    Args:
        args (argparse.Namespace): The options.
        out (Path): The folder of all results.
        gpus (int): Number of GPUs where the options do not say it.

    Returns:
        Place: The place.

    Raises:
        ValueError: If several rows at once would share several GPUs.
    """
    place = Place(out, args.gpus or gpus)
    if args.jobs > 1 and place.gpus > 1:
        raise ValueError(
            f'--jobs {args.jobs} rows at once would share the GPUs of '
            f'--gpus {place.gpus}: leave one of them out.'
        )
    return place


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
    place = place_of(args, args.out, preset.gpus)
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
        waits = (
            'Another call, or a command that a killed one has left, still '
            f'works in {out}: waiting for its end.'
        )
        with folder_lock(out, waits) as executor.pass_fds:
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
    place = place_of(args, args.out or Path(), 1)
    if args.out is not None:
        check_preset(args.out, STUDY)
    plan = plan_study(study, args.rows, args.seeds, place)
    results = ROOT / study.results
    if args.report:
        every = plan_study(study, [], None, place).chains
        if strays := list_strays(every, results):
            raise ValueError(
                f'{study.results} has results of other rows, seeds, configs '
                f'or settings than now: {", ".join(strays)}. Run them anew, '
                'or delete them.'
            )
        for path in write_study(study):
            print(path)
        return 0
    if args.missing:
        left = [c for c in plan.chains if not is_complete(c, results)]
        cost = tuple(s for s in plan.cost if not has_cost(s, results))
        data = data_for(study, left, place)
        plan = Plan(data, tuple(left), cost)
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
