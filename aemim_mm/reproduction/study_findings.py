# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the study found: sentences, with numbers from its results."""

import re

from .study import Study
from .study_claims import loss_gap
from .study_table import StudyTable

# Such as '{aemim - mae: all labels}', or '{aemim: L_a - L_c}'.
NUMBER = re.compile(
    r'\{([\w-]+) - ([\w-]+): ([^}]+)\}|\{([\w-]+): L_a - L_c\}'
)


def list_findings(study: Study, table: StudyTable) -> list[str]:
    """The sentences, with differences in place of the braces."""
    columns = {**study.measures, **study.budgets}

    def number(match: re.Match[str]) -> str:
        run, base, column, attacked = match.groups()
        if attacked:
            found, digits = loss_gap(table, attacked), 4
        else:
            found, digits = table.difference(run, base, columns[column]), 2
        return '(not run)' if found is None else found.plain(digits)

    return [NUMBER.sub(number, text.strip()) for text in study.findings]


def findings_text(study: Study, table: StudyTable) -> str:
    """A part of the report, in Markdown."""
    lines = '\n'.join(f'- {text}' for text in list_findings(study, table))
    return f'## In short\n\n{study.notes["findings"]}\n{lines}\n'
