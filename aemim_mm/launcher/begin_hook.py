# Copyright (c) aemim_mm contributors. All rights reserved.
"""When a run has begun: it has done an iteration."""

from collections.abc import Callable

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner


class BeginHook(Hook):
    """Does what a run must not do before it is known that it can train.

    The action is called once, in the main process, after the first iteration
    and before its hooks: before a first checkpoint.
    """

    priority = 'HIGHEST'

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.done = False

    def is_done(self) -> bool:
        """Whether an iteration is done."""
        return self.done

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Act, once."""
        if not self.done and is_main_process():
            self.action()
        self.done = True
