# Copyright (c) aemim_mm contributors. All rights reserved.
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.optim import OptimWrapperDict, _ParamScheduler
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class NewScheduleHook(Hook):
    """Resume with the learning rates of the config, not of the checkpoint.

    Weights, the optimizer's moments and the number of finished epochs come
    from the checkpoint. All settings of the parameter groups (learning rate,
    weight decay, betas) are those of the config, and the schedulers are built
    from it and advanced step by step to the current iteration. From then on
    they are equal to those of an uninterrupted run of the config.

    If the number of iterations per epoch has changed, the finished iterations
    are those that the finished epochs have with the new config.

    This is ``--new-schedule`` of ``tools/train.py``. The hook only affects a
    resumed run.
    """

    # The log of the recipe shows what this hook has set.
    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep what the runner has built from the config.

        ValueError if the optimizer groups the weights in another way.
        """
        meta = checkpoint['meta']
        if not isinstance(runner.train_loop, IterBasedTrainLoop):
            meta['iter'] = meta['epoch'] * len(runner.train_dataloader)
        checkpoint.pop('param_schedulers', None)
        states = checkpoint['optimizer']
        wrappers = runner.optim_wrapper
        if not isinstance(wrappers, OptimWrapperDict):
            wrappers, states = {'': wrappers}, {'': states}
        for name, wrapper in wrappers.items():
            state, new = states[name], wrapper.optimizer.state_dict()
            sizes = [
                [len(group['params']) for group in side['param_groups']]
                for side in (state, new)
            ]
            if sizes[0] != sizes[1]:
                raise ValueError(
                    f'--new-schedule: the optimizer of the checkpoint has '
                    f'{len(sizes[0])} groups of weights, that of the config '
                    f'has {len(sizes[1])} or groups them in another way: the '
                    'moments cannot be assigned. Keep '
                    'optim_wrapper.paramwise_cfg as it was, or start a new '
                    'run from the weights with load_from.'
                )
            state['param_groups'] = [
                {**group, 'params': old['params']}
                for group, old in zip(
                    new['param_groups'], state['param_groups'], strict=True
                )
            ]
            if wrapper.base_param_settings is not None:
                state['base_param_settings'] = wrapper.base_param_settings

    def before_train(self, runner: Runner) -> None:
        """Advance the schedulers to where the run is."""
        schedulers = list(_flat(runner.param_schedulers))
        by_epoch = [each for each in schedulers if each.by_epoch]
        by_iter = [each for each in schedulers if not each.by_epoch]
        length = len(runner.train_dataloader)
        whole = not isinstance(runner.train_loop, IterBasedTrainLoop)
        with warnings.catch_warnings():
            # The optimizer has taken these steps in the run before.
            warnings.filterwarnings('ignore', message='Detected call of')
            for step in range(1, runner.iter + 1):
                for scheduler in by_iter:
                    scheduler.step()
                if whole and step % length == 0:
                    for scheduler in by_epoch:
                        scheduler.step()
        runner.logger.info(
            'The schedule is that of the config, advanced to epoch '
            f'{runner.epoch}, iteration {runner.iter}.'
        )


def _flat(schedulers: Any) -> Iterator[_ParamScheduler]:
    """The schedulers of one or several optimizers, in order."""
    if isinstance(schedulers, Mapping):
        schedulers = [each for part in schedulers.values() for each in part]
    yield from schedulers or ()
