# Copyright (c) aemim_mm contributors. All rights reserved.
"""Sources and licences of weights, which travel with them.

``checkpoint['meta']['started_from']`` is a list with one entry for each file
from elsewhere that the weights go back to: ``source`` (a URL or the name of a
file) and ``license`` (an identifier of the Hugging Face Hub, such as
``'cc-by-nc-4.0'``, or ``'unknown'``). It is empty where a run has started
from nothing. Imported files have it, checkpoints of runs and exports carry it
on.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

KEY = 'started_from'
UNKNOWN = 'unknown'
Terms = list[dict[str, str]]


def terms_of(checkpoint: Mapping[str, Any], name: str) -> Terms:
    """What the weights in a file go back to.

    A file that does not tell is itself the one entry, by ``name``, of unknown
    licence.
    """
    meta = checkpoint.get('meta')
    found = meta.get(KEY) if isinstance(meta, Mapping) else None
    if isinstance(found, str):  # metadata of .safetensors
        try:
            found = json.loads(found)
        except ValueError:
            found = None
    if not isinstance(found, list):
        return [dict(source=name, license=UNKNOWN)]
    return [
        dict(
            source=str(entry.get('source', name)),
            license=str(entry.get('license', UNKNOWN)),
        )
        for entry in found
        if isinstance(entry, Mapping)
    ]


def joined(many: Iterable[Terms]) -> Terms:
    """The entries of several files, each once, in order."""
    found: Terms = []
    for terms in many:
        found += [entry for entry in terms if entry not in found]
    return found


def license_of(terms: Terms) -> str:
    """The licences in one line: ``'mit'``, or ``'apache-2.0 AND mit'``.

    ``'unknown'`` without an entry: nobody has said.
    """
    names = sorted({entry['license'] for entry in terms})
    return ' AND '.join(names) or UNKNOWN


def in_words(terms: Terms) -> str:
    """One sentence for the log; empty without an entry."""
    if not terms:
        return ''
    listed = ', '.join(f'{e["source"]} ({e["license"]})' for e in terms)
    return f'The weights go back to {listed}: what is trained carries this on.'
