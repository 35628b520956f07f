# Copyright (c) aemim_mm contributors. All rights reserved.
"""How the documentation site is made: `make docs`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aemim_mm.version import __version__  # noqa: E402

project = 'aemim_mm'
author = 'aemim_mm contributors'
copyright = author
release = __version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinxcontrib.mermaid',
]

myst_fence_as_directive = ['mermaid']
myst_heading_anchors = 4
myst_enable_extensions = ['dollarmath']
exclude_patterns = ['_build']
# Links out of docs/ lead to files of the repository; the tests follow them.
suppress_warnings = ['myst.xref_missing']

autodoc_member_order = 'bysource'
autodoc_typehints = 'none'  # the docstrings have them
# Of classes of torch, mmengine and mmpretrain that are derived from.
autodoc_default_options = {'show-inheritance': True}
napoleon_google_docstring = True
napoleon_use_ivar = True

html_theme = 'furo'
html_title = f'aemim_mm {release}'
