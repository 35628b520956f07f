# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the core imports, and that it can be read."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_torch_and_itself_alone():
    for path in (ROOT / 'aemim_mm' / 'core').glob('*.py'):
        allowed = {*sys.stdlib_module_names, 'torch'}
        if path.name == 'wavelets.py':  # when it is used
            allowed.add('pywt')
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
                assert {n.split('.')[0] for n in names} <= allowed, path
            elif isinstance(node, ast.ImportFrom):
                inside = node.level == 1
                assert inside or node.module.split('.')[0] in allowed, path
                assert node.level <= 1, path


def test_the_algorithm_is_read_at_one_sitting():
    """Its length, and that lines of Algorithm 1 and equations are named."""
    text = (ROOT / 'aemim_mm' / 'core' / 'step.py').read_text()
    assert len(text.splitlines()) <= 150
    for name in ('Eq. 5', 'Eq. 7', 'Line 4', 'Line 11', 'Line 12', 'Line 13'):
        assert name in text
