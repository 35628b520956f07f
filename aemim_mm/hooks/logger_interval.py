# Copyright (c) aemim_mm contributors. All rights reserved.
"""How often the processes of a run agree on something."""

from mmengine.hooks import LoggerHook
from mmengine.runner import Runner


def logger_interval(runner: Runner) -> int:
    """Steps between two lines of the runner's ``LoggerHook``.

    Then the host waits for the device anyway. 100 without such a hook.
    """
    found = (h.interval for h in runner.hooks if isinstance(h, LoggerHook))
    return next(found, 100)
