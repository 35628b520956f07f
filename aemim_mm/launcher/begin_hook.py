# Copyright (c) aemim_mm contributors. All rights reserved.
"""When a run has begun: it has its weights, and has done an iteration."""

from collections.abc import Callable

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner


class BeginHook(Hook):
    """Does what a run must not do before it is known that it can train.

    Args:
        action (Callable): Called once, in the main process, after weights are
            loaded and before the first iteration.
    """

    # After every hook of the config, which may refuse the run.
    priority = 'LOWEST'

    def __init__(self, action: Callable[[], None]) -> None:
        self.action = action
        self.done = False

    def is_done(self) -> bool:
        """Whether an iteration is done."""
        return self.done

    def before_train(self, runner: Runner) -> None:
        """Act.

        Args:
            runner (Runner): The runner.
        """
        if is_main_process():
            self.action()

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Note that the run has begun.

        Args:
            runner (Runner): The runner.
            *args: Not used.
            **kwargs: Not used.
        """
        self.done = True
