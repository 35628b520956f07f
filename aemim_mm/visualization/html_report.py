# Copyright (c) aemim_mm contributors. All rights reserved.
"""A self-contained HTML page with the results of a run."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; }
td { padding: .2rem 1.5rem .2rem 0; vertical-align: top; }
td + td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: .9rem; }
.note { background: #fff6dd; border-left: 4px solid #e0a800;
        padding: .5rem 1rem; }
</style>
</head>
<body>
<h1>$title</h1>
$lead
$body
</body>
</html>
""")


def build_report(
    title: str,
    tables: Mapping[str, Mapping[str, object]],
    figures: Sequence[tuple[str | Path, str]],
    lead: str = '',
    note: str = '',
) -> str:
    """Build the page.

    Args:
        title (str): Heading.
        tables (Mapping[str, Mapping[str, object]]): Heading of a table to its
            rows, name and value.
        figures (Sequence[tuple[str | Path, str]]): PNG files and captions. The
            files are embedded: the page needs nothing else.
        lead (str): Sentences under the heading. Defaults to ``''``.
        note (str): A highlighted remark. Defaults to ``''``.

    Returns:
        str: HTML. All texts are escaped.

    Raises:
        FileNotFoundError: If a figure does not exist.
    """
    parts = [f'<p class="note">{escape(note)}</p>'] if note else []
    for heading, rows in tables.items():
        cells = ''.join(
            f'<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>'
            for name, value in rows.items()
        )
        parts.append(f'<h2>{escape(heading)}</h2>\n<table>{cells}</table>')
    if figures:
        parts.append('<h2>Figures</h2>')
    for path, caption in figures:
        data = base64.b64encode(Path(path).read_bytes()).decode('ascii')
        text = escape(caption)
        parts.append(
            f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
            f'<figcaption>{text}</figcaption></figure>'
        )
    return PAGE.substitute(
        title=escape(title),
        lead=f'<p>{escape(lead)}</p>' if lead else '',
        body='\n'.join(parts),
    )
