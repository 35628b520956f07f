# Copyright (c) aemim_mm contributors. All rights reserved.
"""Files that README and docs point to are there."""

import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PAGES = [REPO / 'README.md', *sorted((REPO / 'docs').glob('*.md'))]


@pytest.mark.parametrize('page', PAGES, ids=lambda p: p.name)
def test_relative_links(page):
    links = re.findall(r'\]\(([^)#\s]+)', page.read_text())
    for link in links:
        if '://' not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize('page', PAGES, ids=lambda p: p.name)
def test_named_files(page):
    """Recipes, tools and tests that a page names by their path."""
    pattern = r'\b((?:configs|tools|tests|aemim_mm)/[\w./-]+\.(?:py|sh))\b'
    names = re.findall(pattern, page.read_text())
    for name in names:
        assert (REPO / name).exists(), name


def test_recipes_of_the_readme():
    text = (REPO / 'README.md').read_text()
    names = re.findall(r'`([\w-]+_in1k\.py)`', text)
    shipped = {p.name for p in (REPO / 'configs/pretrain').glob('*in1k.py')}
    assert set(names) == shipped
