# Copyright (c) aemim_mm contributors. All rights reserved.
"""The table of what was tried and what held."""

from aemim_mm.utils.markdown import markdown
from aemim_mm.utils.storage import AtomicLocalBackend

BEGIN, END = '<!-- make torture -->\n', '<!-- end of make torture -->\n'

# What the page says of each kind.
TITLES = {
    'kill': 'training, `kill -9` at a random moment',
    'kill-in-save': 'training, `kill -9` while a checkpoint is written',
    'disk-full': 'training, the disk is full',
    'sigterm': 'training, SIGTERM',
    'ctrl-c': 'training, Ctrl-C',
    'sigusr1': 'training, SIGUSR1',
    'kill-one-of-two': 'training in two processes, `kill -9` of one',
    'sigterm-two': 'training in two processes, SIGTERM',
    'sigusr1-two': 'training in two processes, SIGUSR1',
    'kill-robustness': '`tools/evaluate_robustness.py`, `kill -9`',
    'kill-reproduce': '`tools/reproduce.py`, `kill -9`',
}


def counts(results):
    """How often it was tried, held, failed, or came after the end."""
    failed = sum('failed' in result for result in results.values())
    late = sum('late' in result for result in results.values())
    held = len(results) - failed - late
    return dict(tried=len(results), held=held, failed=failed, late=late)


def write_table(tries, page=None):
    """Count; put the table between its marks in a page, if one is given."""
    rows = [
        [TITLES[kind], *map(str, counts(results).values())]
        for kind, results in tries.items()
    ]
    table = markdown(
        ['what', 'tried', 'held', 'failed', 'came too late'], rows
    )
    if page is not None:
        head, _, rest = page.read_text().partition(BEGIN)
        _, _, tail = rest.partition(END)
        AtomicLocalBackend().put_text(
            f'{head}{BEGIN}\n{table}\n{END}{tail}', page
        )
    return table
