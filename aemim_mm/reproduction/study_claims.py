# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the paper says, and what the study sees."""

from ..utils.markdown import markdown
from .study import Group, Study
from .study_table import Difference, StudyTable, difference

NO_DIFFERENCE = 'no difference that these seeds can tell'
ONE_SEED = 'one seed tells nothing'
# Figure 2, which has no numbers.
PULLS = 'the reconstruction loss as attack pulls L_a below L_c (Figure 2)'
HINDERS = 'it hinders the reconstruction of clean images (Section 3.1)'


def claims_text(study: Study, group: Group, table: StudyTable) -> str:
    """The paper says, we see: a part of the report, in Markdown."""
    columns = {**study.measures, **study.budgets}
    lines = []
    for claim in study.claims:
        pair = claim['row'], claim['base']
        seen = table.difference(*pair, columns[claim['measure']])
        lines.append(
            [
                claim['says'],
                ' minus '.join(group.runs[run].name for run in pair),
                claim['measure'],
                f'{claim["paper"]:+.1f}',
                _seen(seen, claim['paper'], 2),
            ]
        )
    attack, base = 'reconstruction', 'aemim'
    name = group.runs[attack].name
    gap = _seen(loss_gap(table, attack), -1, 4)
    lines.append([PULLS, name, 'L_a - L_c, last epoch', 'a plot', gap])
    names = f'{name} minus {group.runs[base].name}'
    clean = [table.last(run, 'recon_clean') for run in (attack, base)]
    more = _seen(difference(*clean), 1, 4)
    lines.append([HINDERS, names, 'L_c, last epoch', 'a plot', more])
    header = ['the paper says', 'here', 'measure', 'in the paper', 'we see']
    return (
        f'## The paper says, we see\n\n{study.notes["claims"]}\n'
        f'{markdown(header, lines, text=(0, 1, 2, 4))}'
    )


def _seen(seen: Difference | None, expected: float, digits: int) -> str:
    if seen is None:
        return 'no seed yet that both rows have'
    if seen.half is None:
        verdict = ONE_SEED
    elif not seen.excludes_zero:
        verdict = NO_DIFFERENCE
    elif expected == 0:
        verdict = 'a difference, of which the paper has none'
    elif seen.mean * expected > 0:
        verdict = 'the same sign'
    else:
        verdict = 'the opposite sign'
    return f'{seen.text(digits)}: {verdict}'


def loss_gap(table: StudyTable, run: str) -> Difference | None:
    """L_a - L_c in the last epoch, over seeds. None if the row has no L_a."""
    return difference(
        table.last(run, 'recon_adv'), table.last(run, 'recon_clean')
    )
