# Copyright (c) aemim_mm contributors. All rights reserved.
"""What every test starts from, and what is skipped where it cannot run."""

import gc
import logging
import os
import random
import signal
import threading
from importlib.util import find_spec
from unittest import mock

import numpy as np
import pytest
import torch

from aemim_mm.openmmlab import missing
from aemim_mm_cli.interruption import NAMES, release_signals

NO_OPENMMLAB = missing()
# Without OpenMMLab only these are collected.
TORCH_ALONE = ('test_core', 'test_attacks')

if not NO_OPENMMLAB:
    from export_zoo import images, source_of, zoo  # noqa: F401
    from line_runs import make_runner  # noqa: F401
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope
    from mmengine.runner import CheckpointLoader
    from mmengine.utils import manager
    from mmengine.visualization import Visualizer

    LOADERS = dict(CheckpointLoader._schemes)


@pytest.fixture(autouse=True)
def _signals_as_before():
    """A run that a signal has ended ignores further ones, not so a test."""
    numbers = [signal.Signals[name] for name in (*NAMES, 'SIGCHLD')]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    release_signals(before)


def _lacking() -> dict[str, str]:
    """Markers of what cannot run here, each with the reason."""
    reasons = {}
    absent = [name for name in ('mmdet', 'mmcv._ext') if not _is_there(name)]
    if absent:
        reasons['det'] = f'needs {" and ".join(absent)}: make install-det'
    if not torch.cuda.is_available():
        reasons['gpu'] = 'needs a CUDA device'
    return reasons


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:  # its package is not there
        return False


def pytest_collection_modifyitems(items):
    """Skip what cannot run here, and begin with the files that take longest.

    With several workers the last of those would else run alone.
    """
    items.sort(key=lambda item: 'test_tools' not in item.path.parts)
    for marker, reason in _lacking().items():
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish():
    """Leave modules out of garbage collections: mmengine asks for many."""
    gc.collect()
    gc.freeze()


class _NotImported(pytest.Module):
    """A file of tests that is skipped as a whole."""

    def collect(self):
        pytest.skip(
            f'needs {", ".join(NO_OPENMMLAB)}', allow_module_level=True
        )


def pytest_pycollect_makemodule(module_path, parent):
    """Without OpenMMLab import only what runs on torch alone."""
    if NO_OPENMMLAB and not set(TORCH_ALONE) & set(module_path.parts):
        return _NotImported.from_parent(parent, path=module_path)


@pytest.fixture(autouse=True)
def _same_start():
    """The same seed, scope, loaders, threads and variables for every test."""
    if not NO_OPENMMLAB:
        init_default_scope('mmpretrain')
        # mmengine's own: a tool that forgets the safe ones is found.
        CheckpointLoader._schemes = dict(LOADERS)
        # A run that starts within the same second as one before it would get
        # that one's logger, and with it a closed stream, or its visualizer.
        for kind in (MMLogger, Visualizer, *Visualizer.__subclasses__()):
            kind._instance_dict.clear()
        # mmengine keeps it after an error, and a thread would wait for ever.
        manager._lock = threading.RLock()
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    # Tools and mmengine's Runner set variables.
    with mock.patch.dict(os.environ):
        yield


def _lines(monkeypatch, level: int) -> list[str]:
    handle, lines = MMLogger.callHandlers, []

    def note(logger, record):
        if record.levelno >= level:
            lines.append(record.getMessage())
        handle(logger, record)

    monkeypatch.setattr(MMLogger, 'callHandlers', note)
    return lines


@pytest.fixture
def logged(monkeypatch):
    """Lines of mmengine's loggers. They have no parent: caplog sees none."""
    return _lines(monkeypatch, logging.INFO)


@pytest.fixture
def warned(monkeypatch):
    """Warnings among these lines."""
    return _lines(monkeypatch, logging.WARNING)
