# Copyright (c) aemim_mm contributors. All rights reserved.
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from ..checkpoints import load_checkpoint_file
from ..checkpoints.content import content_hash, local_file
from ..checkpoints.terms import KEY, Terms, in_words, joined, terms_of
from ..config_check.weights import named_weights


@HOOKS.register_module()
class RunOriginHook(Hook):
    """Write into every checkpoint which weights its run started from.

    ``checkpoint['meta']['run_origin']`` holds, by key of the config, path and
    SHA-256 of the weights that the model was initialised with (``weights``,
    ``load_from`` among them), the number of processes, and the number of
    iterations of an epoch. ``tools/train.py`` compares them when a run is
    resumed.

    ``checkpoint['meta']['started_from']`` holds sources and licences of these
    weights (:mod:`aemim_mm.checkpoints.terms`). They are logged once.
    """

    def __init__(self) -> None:
        self.resumed = False
        # None: the run began before there were notes, and is resumed.
        self.weights: dict[str, dict] | None = None
        self.terms: Terms | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take over the notes of a run that is resumed."""
        if runner.cfg.get('resume', False):
            origin = checkpoint.get('meta', {}).get('run_origin', {})
            self.weights = origin.get('weights')
            if KEY in checkpoint.get('meta', {}):
                self.terms = terms_of(checkpoint, runner.cfg.load_from or '')
            self.resumed = True

    def before_train(self, runner: Runner) -> None:
        """Hash the weights that the run starts from."""
        if self.resumed or not is_main_process():
            return
        files = {key: file for key, file, _ in named_weights(runner.cfg)}
        load_from = runner.cfg.get('load_from', None)
        if load_from and not runner.cfg.get('resume', False):
            files['load_from'] = load_from
        self.weights = {
            key: dict(file=file, sha256=content_hash(file))
            for key, file in files.items()
        }
        self.terms = joined(_terms(file) for file in files.values())
        if self.terms:
            runner.logger.info(in_words(self.terms))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write the notes into the checkpoint."""
        notes = dict(
            processes=runner.world_size,
            iterations_per_epoch=len(runner.train_dataloader),
        )
        if self.weights is not None:
            notes['weights'] = self.weights
        checkpoint['meta']['run_origin'] = notes
        if self.terms is not None:
            checkpoint['meta'][KEY] = self.terms


def _terms(file: str) -> Terms:
    path, content = local_file(file), {}
    if path:
        try:
            content = load_checkpoint_file(path)
        except (ValueError, RuntimeError):
            # Target networks may be in a format that only their class reads.
            pass
    return terms_of(content, Path(file).name)
