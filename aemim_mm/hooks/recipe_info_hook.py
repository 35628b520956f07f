# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapperDict
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS
from torch import nn

from ..core import FeatureDistancePGD, RandomNoise, WaveletPGD
from .load_target import unwrap


@HOOKS.register_module()
class RecipeInfoHook(Hook):
    """Log the recipe that is actually run, at the start of training.

    One block in the log: the effective batch size, the learning rate after
    scaling, the length of the schedule, the precision and, for a model with
    an attack, the perturbation budget in pixel units. It warns if the
    learning rate was set for another batch size.
    """

    # After the hooks that may still change the model or the optimizer.
    priority = 'LOWEST'

    def before_train(self, runner: Runner) -> None:
        """Log the block and the warnings.

        Args:
            runner (Runner): The runner of the training process.
        """
        lines = [
            *data_lines(runner),
            batch_line(runner),
            learning_rate_line(runner),
            schedule_line(runner),
            f'precision: {precision(runner)}',
        ]
        model = unwrap(runner.model)
        lines += attack_lines(model)
        runner.logger.info('Recipe:\n  ' + '\n  '.join(lines))
        self._warn_about_batch(runner)

    @staticmethod
    def _warn_about_batch(runner: Runner) -> None:
        """Warn when the batch size does not fit the learning rate."""
        auto_scale = runner.auto_scale_lr or {}
        base = auto_scale.get('base_batch_size', None)
        per_step, count = step_batch(runner), accumulation(runner)
        effective = per_step * count
        if base is None:
            return
        if not auto_scale.get('enable', False) and effective != base:
            runner.logger.warning(
                f'The effective batch size is {effective}, but the learning '
                f'rate was written for {base} '
                '(auto_scale_lr.base_batch_size) and is not scaled. Pass '
                '--auto-scale-lr to scale it linearly, or change '
                'train_dataloader.batch_size, the number of processes or '
                'optim_wrapper.accumulative_counts.'
            )
        if auto_scale.get('enable', False) and count > 1:
            runner.logger.warning(
                'The learning rate was scaled for a batch of '
                f'{per_step}, but gradients are accumulated over '
                f'{count} steps: the effective batch size is {effective}. '
                'mmengine leaves accumulation out of the scaling; set the '
                'learning rate yourself, without --auto-scale-lr.'
            )


def data_lines(runner: Runner) -> list[str]:
    """What a data set says of itself: images found and files skipped.

    Args:
        runner (Runner): The runner of the training process.
    """
    dataset = getattr(runner.train_dataloader, 'dataset', None)
    summary = getattr(dataset, 'summary', None)
    return [f'images: {summary}'] if summary else []


def step_batch(runner: Runner) -> int:
    """Number of images in one forward pass, over all processes."""
    loader = runner.train_dataloader
    batch_size = loader.batch_size
    if batch_size is None:  # the loader was built with a batch sampler
        batch_size = loader.batch_sampler.batch_size
    return batch_size * runner.world_size


def accumulation(runner: Runner) -> int:
    """Number of forward passes per optimizer step."""
    cfg = runner.cfg.get('optim_wrapper', None) or {}
    return cfg.get('accumulative_counts', 1)


def batch_line(runner: Runner) -> str:
    """Effective batch size and its factors."""
    per_step, count = step_batch(runner), accumulation(runner)
    return (
        f'effective batch size: {per_step * count} = '
        f'{per_step // runner.world_size} per process x '
        f'{runner.world_size} processes x {count} accumulated steps'
    )


def learning_rate_line(runner: Runner) -> str:
    """Learning rates of the parameter groups after scaling.

    ``initial_lr`` is what the schedulers start from: ``lr`` is already
    lowered by a warm-up.
    """
    wrapper = runner.optim_wrapper
    is_dict = isinstance(wrapper, OptimWrapperDict)
    wrappers = list(wrapper.values()) if is_dict else [wrapper]
    rates = {
        group.get('initial_lr', group['lr'])
        for item in wrappers
        for group in item.optimizer.param_groups
    }
    scaled = (runner.auto_scale_lr or {}).get('enable', False)
    how = 'scaled to the batch size' if scaled else 'not scaled'
    low, high = min(rates), max(rates)
    text = f'{high:g}' if len(rates) == 1 else f'{low:g} to {high:g}'
    groups = '' if len(rates) == 1 else f', {len(rates)} distinct values'
    return f'learning rate: {text} ({how}{groups})'


def schedule_line(runner: Runner) -> str:
    """Length of the training."""
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return f'schedule: {runner.max_iters} iterations'
    return (
        f'schedule: {runner.max_epochs} epochs, {runner.max_iters} iterations'
    )


def precision(runner: Runner) -> str:
    """Numeric format of the forward pass."""
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, AmpOptimWrapper):
        dtype = str(wrapper.cast_dtype or 'float16').split('.')[-1]
        return f'{dtype} (automatic mixed precision)'
    return f'float32 ({type(wrapper).__name__})'


def attack_lines(model: nn.Module) -> list[str]:
    """Perturbation budget and mixing of an adversarial model.

    Args:
        model (nn.Module): The unwrapped model. Without an ``attack`` there
            is nothing to say.
    """
    attack = getattr(model, 'attack', None)
    if attack is None:
        return []
    adapters = ', '.join(model.adapters) or 'none'
    budget = repr(attack)  # somebody's own
    if isinstance(attack, FeatureDistancePGD):
        noise = isinstance(attack, RandomNoise)
        what = 'random noise' if noise else attack.distance
        steps = 'step' if attack.num_steps == 1 else 'steps'
        budget = (
            f'{what}, epsilon {attack.epsilon:g}, step size '
            f'{attack.step_size:g}, {attack.num_steps} {steps} '
            '(L-inf, in pixel values of 0-255)'
        )
    elif isinstance(attack, WaveletPGD):
        steps = 'step' if attack.num_steps == 1 else 'steps'
        budget = (
            f'{attack.distance}, {attack.bands} of {attack.wavelet}, '
            f'coefficients times 1 +- {attack.budget:g}, step size '
            f'{attack.step_size:g}, {attack.num_steps} {steps}'
        )
    return [
        f'attack: {budget}',
        f'adversarial share of the batch: {model.adv_ratio:g}; weight of '
        f'the clean loss: {model.loss_ratio:g}; adapters: {adapters}',
    ]
