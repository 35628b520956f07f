# Copyright (c) aemim_mm contributors. All rights reserved.
"""Steps of a reproduction, and what each is made from."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmengine
import mmpretrain
import torch
from mmengine.config import Config

from aemim_mm_cli.places import HOME, ROOT

from ..checkpoints.content import content_hash
from ..utils.storage import put_json
from ..version import __version__


@dataclass(frozen=True)
class Step:
    """A command that makes a file from others."""

    chain: str  # what comes one after another: a run and its seed
    name: str  # in the chain
    kind: str  # steps of one kind take about the same time
    folder: Path  # where its log and its record go
    command: tuple[str, ...]  # from the repository's root
    output: Path  # the file that it makes
    inputs: tuple[Path, ...] = ()  # files that it reads, made by steps before
    configs: tuple[str, ...] = ()  # from the repository's root
    # what of the command its result follows from: not where it is, nor on how
    # many GPUs. Empty for all of it.
    identity: tuple[str, ...] = ()

    @property
    def record(self) -> Path:
        """Where its state is kept."""
        return self.folder / f'{self.name}.json'

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / f'{self.name}.log'

    def made_from(self) -> dict[str, str]:
        """What its result follows from: hashes of command, configs, inputs.

        Images are taken as given: they are not read.
        """
        words = self.identity or self.command
        found = {'command': _digest(json.dumps(words))}
        for config in self.configs:
            found[config] = config_hash(config)
        for path in self.inputs:
            found[path.name] = content_hash(str(path)) or 'absent'
        return found

    def state(self) -> dict[str, Any]:
        """What is on record: ``made_from`` and, once finished, ``seconds``."""
        return _state(self.record)

    def write_state(
        self, made_from: Mapping[str, str], seconds: float | None
    ) -> None:
        """Keep the state; ``seconds`` is None if the step is not finished."""
        # The code is that of the beginning: it may change while a step runs.
        begun = None if seconds is None else self.state().get('made_with')
        state = dict(
            made_from=dict(made_from),
            seconds=seconds,
            command=list(self.command),
            made_with=begun or made_with(),
        )
        put_json(state, self.record)

    def is_finished(self, made_from: Mapping[str, str]) -> bool:
        """Whether its result is there, and was made from the same."""
        state = self.state()
        return (
            state.get('seconds') is not None
            and state.get('made_from') == dict(made_from)
            and self.output.exists()
        )

    def unfinish_readers(self) -> None:
        """Mark the steps that read its output as unfinished, of any plan."""
        now = content_hash(str(self.output))
        for record in self.folder.glob('*.json'):
            state = _state(record)
            then = state.get('made_from', {}).get(self.output.name)
            if then is not None and now in (None, then):
                put_json({**state, 'seconds': None}, record)

    @property
    def trains(self) -> bool:
        """Whether it is a training run, which another one must not touch."""
        return '--resume' in self.command

    def others(self, made_from: Mapping[str, str]) -> list[str]:
        """What a run that has begun in its place was made from otherwise.

        Names, keys of :meth:`made_from`. None of them if nothing has begun, or
        the same.
        """
        begun = self.state().get('made_from')
        if begun is None:
            return []
        keys = {**begun, **made_from}
        return [k for k in keys if begun.get(k) != made_from.get(k)]


def _state(record: Path) -> dict[str, Any]:
    try:
        return json.loads(record.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def made_with() -> dict[str, str]:
    """Commit and versions of the code, as it is now."""
    try:
        commit = _git('rev-parse', 'HEAD')
        # Results are written while steps run; they change no other step.
        status = ('--no-optional-locks', 'status', '--porcelain')
        if _git(*status, '--untracked-files=no', '--', '.', ':!studies'):
            commit += '-dirty'
    except (OSError, subprocess.CalledProcessError):
        commit = 'unknown'  # a checkout without git
    versions = {
        m.__name__: m.__version__ for m in (mmengine, mmpretrain, torch)
    }
    return {'commit': commit, 'aemim_mm': __version__, **versions}


def _git(*arguments: str) -> str:
    return subprocess.run(
        ['git', *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def config_hash(config: str) -> str:
    """SHA-256 of a config with its bases.

    The path is from the repository's root.
    """
    return _digest(Config.fromfile(HOME / config).pretty_text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
