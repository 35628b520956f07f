# Copyright (c) aemim_mm contributors. All rights reserved.
"""What is to be measured, cell by cell."""

from collections.abc import Iterator, Mapping

from aemim_mm_cli.imagenet_variants import VARIANTS
from aemim_mm_cli.robustness_arguments import ATTACKS, PARTS

from ..attacks import Attack, AutoAttack, FGSMAttack, PGDAttack
from ..evaluation import GRID
from .cells import Cell
from .sources import Survey
from .suite import SuiteOptions

# Images of a cell: what is lost at most when a run is killed.
PGD_IMAGES = 5000
SEARCH_IMAGES = 1000
AUTOATTACK_IMAGES = 250


def plan(options: SuiteOptions, surveys: Mapping[str, Survey]) -> list[Cell]:
    """All that is to be measured.

    Args:
        options (SuiteOptions): The parts and their settings.
        surveys (Mapping[str, Survey]): The data, by the sources' names.

    Returns:
        list[Cell]: The cells in the order of evaluation.
    """
    cells = []
    for part in PARTS:
        if part not in options.parts:
            continue
        if part == 'c':
            cells += [
                Cell(source.name, source, dict(type='SubsetAccuracy'))
                for source in options.cells_of_c()
            ]
        elif part in ATTACKS:
            images = surveys[options.source(part).name].images
            cells += _attacked(part, options, images)
        else:
            cells += _clean(part, options)
    return cells


def _clean(part: str, options: SuiteOptions) -> Iterator[Cell]:
    source = options.source(part)
    if part == 'real':
        yield Cell(part, source, dict(type='RealAccuracy'))
        return
    subset = VARIANTS[part].subset if options.class_file is None else None
    yield Cell(part, source, dict(type='SubsetAccuracy', subset=subset))
    if subset is not None and options.all_classes:
        metric = dict(type='SubsetAccuracy', subset=subset, masked=False)
        yield Cell(f'{part}_all_classes', source, metric)


def _attacked(part: str, options: SuiteOptions, images: int) -> list[Cell]:
    source, pgd = options.source(part), PGDAttack(seed=options.seed)
    if part == 'curve':
        cells = [
            Cell(f'curve/grid/{epsilon:g}', source, None, pgd, epsilon, True)
            for epsilon in GRID
        ]
        search = Cell('curve/minimal', source, None, pgd)
        grid = [
            piece for cell in cells for piece in cell.split(images, PGD_IMAGES)
        ]
        return grid + search.split(images, SEARCH_IMAGES)
    strongest = part == 'autoattack'
    attack: Attack = pgd
    if part == 'fgsm':
        attack = FGSMAttack()
    elif strongest:
        attack = AutoAttack(options.seed)
    size = AUTOATTACK_IMAGES if strongest else PGD_IMAGES
    return [
        piece
        for epsilon in options.epsilons
        for piece in Cell(
            f'{part}/{epsilon:g}',
            source,
            None,
            attack,
            epsilon / 255,
            # As AutoAttack does; tables of the others attack all.
            skip_misclassified=strongest,
        ).split(images, size)
    ]
