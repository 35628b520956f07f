# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, PretrainedInit, is_model_wrapper
from mmengine.runner import CheckpointLoader, Runner
from mmpretrain.registry import HOOKS
from torch import nn

from ..checkpoint_fit import (
    CheckpointFit,
    describe_keys,
    describe_prefixes,
    fit_checkpoint,
    state_dict_of,
)


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuse a checkpoint that does not fit, before training starts.

    mmengine only warns when keys are missing or shapes differ, and trains on
    from random weights. This hook raises instead:

    - ``init_cfg=dict(type='Pretrained')`` of any module: every key of the
      module must be in the file, below its ``prefix``, except
      ``allow_missing``. Checked at the start of a training run.
    - ``load_from`` in training: keys that match ``required`` must be there;
      what else is missing or left over is a warning.
    - ``load_from`` in a test: every key of the model must be there.
    - resuming: keys of the model and of the file must be the same.
    - always: shapes must agree, except ``allow_mismatch``.

    What the load hooks of a model resize or fill in (position embeddings;
    the adversarial adapters, from a checkpoint without them) fits. Whether a
    load is a resume is read from ``resume`` in the runner's config.

    Args:
        allow_missing (Sequence[str]): Patterns of keys, relative to the
            module with the ``init_cfg``, that may be missing there. The
            default is the norm after average pooling, which fine-tuning adds.
            Defaults to ('ln2.*', ).
        allow_mismatch (Sequence[str]): Patterns of keys whose shape may
            differ; they keep their initial values. Defaults to ().
        required (Sequence[str]): Patterns of keys of the model that
            ``load_from`` must fill. Defaults to ('backbone.*', ).
        skip (Sequence[str]): Patterns of names of modules whose ``init_cfg``
            is not checked, for those that convert a foreign checkpoint in
            code of their own. Defaults to ().

    Raises:
        TypeError: If an argument is a single string.
        ValueError: At the start of a run, if a checkpoint does not fit.
    """

    # After EMAHook (NORMAL), which swaps the weights in the checkpoint.
    priority = 'LOW'

    def __init__(
        self,
        allow_missing: Sequence[str] = ('ln2.*',),
        allow_mismatch: Sequence[str] = (),
        required: Sequence[str] = ('backbone.*',),
        skip: Sequence[str] = (),
    ) -> None:
        for name, value in dict(
            allow_missing=allow_missing,
            allow_mismatch=allow_mismatch,
            required=required,
            skip=skip,
        ).items():
            if isinstance(value, str):
                raise TypeError(
                    f'CheckpointFitHook.{name} is a sequence of patterns; '
                    f'write ({value!r}, ) in place of {value!r}.'
                )
        self.allow_missing = tuple(allow_missing)
        self.allow_mismatch = tuple(allow_mismatch)
        self.required = tuple(required)
        self.skip = tuple(skip)

    def before_run(self, runner: Runner) -> None:
        """Check the checkpoints of all ``Pretrained`` initialisations.

        Args:
            runner (Runner): The runner. Only training initialises weights.
        """
        if not _is_training(runner):
            return
        for name, module, cfg in _pretrained(_unwrap(runner.model)):
            if any(fnmatchcase(name, pattern) for pattern in self.skip):
                continue
            file, prefix = cfg['checkpoint'], cfg.get('prefix')
            checkpoint = CheckpointLoader.load_checkpoint(
                file, map_location='cpu', logger=runner.logger
            )
            fit = fit_checkpoint(module, state_dict_of(checkpoint, prefix))
            where = (
                f'{file} for the Pretrained init_cfg of '
                f'{name or "the model"} (prefix={prefix!r})'
            )
            missing = _unmatched(fit.missing, self.allow_missing)
            self._judge(
                fit,
                where,
                checkpoint,
                missing,
                unexpected=(),
                way_out='Set init_cfg.prefix to what precedes the keys in '
                'the file, or CheckpointFitHook.allow_missing to what may be '
                'missing.',
            )
            self._report(runner, fit, where)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the checkpoint of ``load_from`` or of a resumed run.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint, not yet loaded into the model.
        """
        fit = fit_checkpoint(_unwrap(runner.model), state_dict_of(checkpoint))
        missing, unexpected = fit.missing, ()
        if not _is_training(runner):
            where, way_out = (
                'the checkpoint to be tested',
                ('Test with the config that it was trained with.'),
            )
        elif runner.cfg.get('resume', False):
            where, unexpected = 'the checkpoint to resume from', fit.unexpected
            way_out = (
                'Resume with the config that it was trained with; to start a '
                'new run from its weights, use load_from without resume.'
            )
        else:
            where = 'the checkpoint of load_from'
            missing = _matched(fit.missing, self.required)
            way_out = (
                'A backbone alone is loaded by model.backbone.init_cfg='
                "dict(type='Pretrained', checkpoint=..., prefix=...)."
            )
        self._judge(fit, where, checkpoint, missing, unexpected, way_out)
        self._report(runner, fit, where)

    def _judge(
        self,
        fit: CheckpointFit,
        where: str,
        checkpoint: Mapping,
        missing: tuple,
        unexpected: tuple,
        way_out: str,
    ) -> None:
        mismatched = {
            key: fit.mismatched[key]
            for key in _unmatched(fit.mismatched, self.allow_mismatch)
        }
        if not (missing or unexpected or mismatched) and fit.loaded:
            return
        cause = (
            'a different architecture (size, depth, image or patch size, '
            'number of classes)'
            if fit.loaded or mismatched
            else 'a wrong prefix, or a file in the format of another library'
        )
        if mismatched:
            way_out += (
                ' Keys that may differ in shape go into '
                'CheckpointFitHook.allow_mismatch.'
            )
        raise ValueError(
            f'The checkpoint does not fit: {fit} of the model would be '
            f'loaded from {where}.'
            + describe_keys('missing in the file', missing)
            + describe_keys('not in the model', unexpected)
            + describe_keys('different shapes', mismatched)
            + f'\n  keys in the file: {describe_prefixes(checkpoint)}'
            f'\nThe likely cause is {cause}. {way_out}'
        )

    def _report(self, runner: Runner, fit: CheckpointFit, where: str) -> None:
        runner.logger.info(f'Checkpoint fits: {fit} loaded from {where}')
        left = (
            describe_keys('keep their initial values', fit.missing)
            + describe_keys('differ in shape, not loaded', fit.mismatched)
            + describe_keys('in the file but not used', fit.unexpected)
        )
        if left:
            runner.logger.warning(f'Of {where}:{left}')


def _is_training(runner: Runner) -> bool:
    """Whether this is ``runner.train()``: it has built the optimizer."""
    wrapper = runner.optim_wrapper
    return wrapper is not None and not isinstance(wrapper, dict)


def _unwrap(model: nn.Module) -> nn.Module:
    """The model that mmengine loads into: no wrapper's keys are in a file."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def _pretrained(model: nn.Module) -> Iterator[tuple[str, nn.Module, Mapping]]:
    """All modules that will be initialised from a checkpoint."""
    for name, module in model.named_modules():
        cfgs = getattr(module, 'init_cfg', None) or []
        for cfg in [cfgs] if isinstance(cfgs, Mapping) else cfgs:
            if cfg.get('type') in ('Pretrained', PretrainedInit):
                yield name, module, cfg


def _matched(keys: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        key for key in keys if any(fnmatchcase(key, p) for p in patterns)
    )


def _unmatched(
    keys: Sequence[str], patterns: Sequence[str]
) -> tuple[str, ...]:
    matched = set(_matched(tuple(keys), patterns))
    return tuple(key for key in keys if key not in matched)
