# Copyright (c) aemim_mm contributors. All rights reserved.
"""The validation that a run has lost which was killed in its last one."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..agreement import Run
from ..visualization.curves import is_validated


class LastValidationHook(Hook):
    """Validates before the first epoch, of which a finished run has none.

    The checkpoint of the last epoch is written before its validation.
    """

    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        """Validate, once the other hooks have begun."""
        runner.val_loop.run()


def lacks_validation(run: Run) -> bool:
    """Whether the last validation of a finished run is not in its log."""
    return (
        run.by_epoch
        and run.cfg.get('val_dataloader') is not None
        and not is_validated(run.cfg.work_dir)
    )
