# Copyright (c) aemim_mm contributors. All rights reserved.
"""Makes up for the last validation of a run that was killed during it."""

from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner

from ..agreement import Run
from ..visualization.curves import is_validated


class LastValidationHook(Hook):
    """Validates a finished run, which has no epoch left, when it is resumed.

    The checkpoint of the last epoch is written before its validation.
    """

    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        """Validate, once the other hooks have begun."""
        last = runner.message_hub.runtime_info.get('last_ckpt')
        for hook in runner.hooks:
            # It saves the last checkpoint again, with a new best score.
            if isinstance(hook, CheckpointHook):
                hook.last_ckpt = last
        runner.val_loop.run()


def lacks_validation(run: Run) -> bool:
    """Whether the last validation of a finished run is not in its log.

    Of epochs: an iteration-based run would first go through all its data.
    """
    return (
        run.by_epoch
        and run.cfg.get('val_dataloader') is not None
        and not is_validated(run.cfg.work_dir)
    )
