# Copyright (c) aemim_mm contributors. All rights reserved.
"""What is written in two places says the same in both."""

import os
from pathlib import Path

import yaml

from aemim_mm import __version__

ROOT = Path(__file__).resolve().parents[2]


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


def test_pre_commit_runs_the_pinned_ruff():
    pins = (ROOT / 'requirements' / 'dev.txt').read_text().split()
    hooks = read('.pre-commit-config.yaml')['repos'][0]['hooks']
    used = [x for hook in hooks for x in hook['additional_dependencies']]
    ruff = [x for x in used if x.startswith('ruff')]
    assert ruff
    assert set(ruff) < set(pins)


def test_citation_is_the_one_of_the_readme():
    citation = read('CITATION.cff')
    paper = citation['preferred-citation']
    names = ' and '.join(
        f'{author["family-names"]}, {author["given-names"]}'
        for author in paper['authors']
    )
    readme = (ROOT / 'README.md').read_text()
    for text in (names, paper['title'], paper['journal'], str(paper['year'])):
        assert f'{{{text}}}' in readme
    assert citation['version'] == __version__


def test_workflow_runs_what_ci_runs():
    job = read('.github/workflows/ci.yml')['jobs']['checks']
    assert job['steps'][-1] == {'run': '.ci/run'}


def test_ci_runs_every_check():
    script = ROOT / '.ci' / 'run'
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    checks = ('test', 'lint', 'types', 'docs', 'test-slow')
    assert lines[-5:] == [f'make {check}' for check in checks]
