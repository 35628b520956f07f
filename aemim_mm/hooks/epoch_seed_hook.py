# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from aemim_mm.datasets.seeding import seed_generators


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed all random generators from (seed, rank, epoch) before each epoch.

    mmengine stores no random state in its checkpoints: a resumed run repeats
    the random stream of the first epoch. With this hook an interrupted and
    resumed run draws the same masks, noise and augmentations, from the epoch
    boundary on, as an uninterrupted one. ``seed`` is ``runner.seed``, which
    mmengine restores from the checkpoint; the rank is mixed in whether or
    not ``randomness.diff_rank_seed`` is set, so that two ranks never draw
    the same mask.

    What the hook cannot reach are the generators of *persistent* data
    workers, which live through all epochs. For those it warns. Use, in
    ``train_dataloader``, ``persistent_workers=False`` and
    ``worker_init_fn=dict(type='seed_worker')``: the defaults of
    ``tools/train.py``.

    In an iteration-based loop, which has a single endless epoch, the number
    of finished iterations takes the epoch's place: a resumed run goes on with
    fresh random numbers (in workers by ``seed_worker``, persistent or not),
    but does not repeat those of an uninterrupted run.
    """

    # Before other hooks, so that what they draw is repeatable as well.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Warn about settings under which a resumed run cannot be exact."""
        loader = runner.train_dataloader
        persistent = loader.num_workers > 0 and loader.persistent_workers
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        if persistent and not by_iter:
            runner.logger.warning(
                'EpochSeedHook cannot seed persistent data workers: a resumed '
                'run will not repeat the augmentations of an uninterrupted '
                'one. Set train_dataloader.persistent_workers=False to make '
                'it exact.'
            )
        randomness = runner.cfg.get('randomness', None) or {}
        if randomness.get('seed', None) is None:
            runner.logger.warning(
                f'No seed is configured; this run drew {runner.seed}. A '
                'resumed run shuffles the data in another order. Set '
                'randomness.seed (for example randomness=dict(seed=0)) to '
                'make it exact.'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed Python, numpy and torch for the coming epoch.

        The runner calls this before it creates the iterator of the data
        loader, which draws the seed of the workers.
        """
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        seed_generators(
            runner.seed, runner.rank, runner.iter if by_iter else runner.epoch
        )
