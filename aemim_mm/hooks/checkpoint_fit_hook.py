# Copyright (c) aemim_mm contributors. All rights reserved.
import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from logging import Logger

from mmengine.hooks import Hook
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor, nn

from ..checkpoints import read_checkpoint, use_safe_loader
from ..checkpoints.fit import (
    CheckpointFit,
    fit_checkpoint,
    state_dict_of,
)
from ..checkpoints.foreign import advice
from ..checkpoints.misfit import (
    describe_keys,
    describe_prefixes,
    likely_cause,
)
from .load_target import (
    is_training,
    pretrained_parts,
    unwrap,
)


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Refuse a checkpoint that does not fit, before training starts.

    mmengine only warns when keys are missing or shapes differ, and trains on
    from random weights. This hook raises instead:

    - ``init_cfg=dict(type='Pretrained')`` of any module: every key of the
      module must be in the file, below its ``prefix``, except
      ``allow_missing``; and a block that the file has, but not the module, is
      refused too, except ``allow_unused``. Checked at the start of a training
      run, and again when the model is initialised: some encoders of mmpretrain
      draw weights anew that they have loaded.
    - ``load_from`` in training: keys that match ``required`` must be there,
      and no block of theirs left over; all else is a warning.
    - ``load_from`` in a test: every key of the model must be there.
    - resuming: keys of the model and of the file must be the same.
    - always: shapes must agree, except ``allow_mismatch``; and the file must
      hold a ``state_dict`` or be a flat dict of tensors.

    What the load hooks of a model resize or fill in (position embeddings;
    the adversarial adapters, from a checkpoint without them) fits. Whether a
    load is a resume is read from ``resume`` in the runner's config.

    After the hook has been built, mmengine executes no code in the
    checkpoints that this process loads (:func:`use_safe_loader`).

    In another default scope, for example in a detection run, write
    ``type='mmpretrain.CheckpointFitHook'``.

    Args:
        allow_missing (Sequence[str]): Patterns of keys, relative to the
            module with the ``init_cfg`` (or to ``backbone.``, for
            ``load_from``), that may be missing there. The
            default is the norm after average pooling, which fine-tuning adds,
            and the index of relative positions, a constant that a model makes
            by itself. Defaults to
            ``('ln2.*', '*relative_position_index')``.
        allow_mismatch (Sequence[str]): Patterns of keys whose shape may
            differ; they keep their initial values. Defaults to ().
        allow_unused (Sequence[str]): Patterns of keys of the file, relative
            to the module, that belong to a list of blocks and may be left
            over, for example ``('layers.8.*', )`` to take the first 8.
            Defaults to ().
        required (Sequence[str]): Patterns of keys of the model that
            ``load_from`` must fill. Defaults to ``('backbone.*', )``.
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
        allow_missing: Sequence[str] = ('ln2.*', '*relative_position_index'),
        allow_mismatch: Sequence[str] = (),
        allow_unused: Sequence[str] = (),
        required: Sequence[str] = ('backbone.*',),
        skip: Sequence[str] = (),
    ) -> None:
        for name, value in dict(
            allow_missing=allow_missing,
            allow_mismatch=allow_mismatch,
            allow_unused=allow_unused,
            required=required,
            skip=skip,
        ).items():
            if isinstance(value, str):
                raise TypeError(
                    f'CheckpointFitHook.{name} is a sequence of patterns; '
                    f'write ({value!r}, ) in place of {value!r}.'
                )
        # Not in `before_run`: mmengine's FlexibleRunner loads before it.
        use_safe_loader()
        self.allow_missing = tuple(allow_missing)
        self.allow_mismatch = tuple(allow_mismatch)
        self.allow_unused = tuple(allow_unused)
        self.required = tuple(required)
        self.skip = tuple(skip)

    def before_run(self, runner: Runner) -> None:
        """Check ``Pretrained`` initialisations; only training has any."""
        if is_training(runner):
            self.check_pretrained(unwrap(runner.model), runner.logger)

    def before_train(self, runner: Runner) -> None:
        """Refuse a model that has not kept what ``Pretrained`` loads."""
        # Else a whole checkpoint has taken its place.
        if not runner._has_loaded:
            self.check_kept(unwrap(runner.model))

    def check_kept(self, model: nn.Module) -> None:
        """Check that an initialised model has its ``Pretrained`` weights.

        Args:
            model (nn.Module): The model.

        Raises:
            ValueError: If a module has other weights than its checkpoint.
        """
        # An average takes the place of its weights, and so does what is
        # loaded into a module around them.
        replaced = [
            f'{name}.'
            for name, module in model.named_modules()
            if isinstance(module, BaseAveragedModel)
        ]
        for name, module, cfg in self._pretrained(model):
            if name.startswith(tuple(replaced)):
                continue
            replaced.append(f'{name}.' if name else '')
            checkpoint = read_checkpoint(cfg['checkpoint'], map_location='cpu')
            weights = state_dict_of(checkpoint, cfg.get('prefix'))
            in_file = set(weights)  # before load hooks add to it
            twin = copy.deepcopy(module)
            # Of other shapes, which before_run has allowed
            with contextlib.suppress(RuntimeError):
                twin.load_state_dict(weights, strict=False)
            own = module.state_dict()
            lost = [
                key
                for key, value in twin.state_dict().items()
                if key in in_file
                and isinstance(value, Tensor)
                and not value.equal(own[key])
            ]
            if lost:
                raise ValueError(
                    f'{type(module).__name__} does not keep what the '
                    f'Pretrained init_cfg of {name or "the model"} loads from '
                    f'{cfg["checkpoint"]}: its init_weights() draws '
                    f'{len(lost)} of {len(own)} weights anew'
                    + describe_keys('such as', tuple(lost))
                    + '\nLoad the file by load_from, with the keys of the '
                    'whole model, or take a class that keeps them '
                    '(DualNormViT for MAEViT).'
                )

    def _pretrained(
        self, model: nn.Module
    ) -> Iterator[tuple[str, nn.Module, Mapping]]:
        for name, module, cfg in pretrained_parts(model):
            if not any(fnmatchcase(name, pattern) for pattern in self.skip):
                yield name, module, cfg

    def check_pretrained(self, model: nn.Module, logger: Logger) -> None:
        """Check the checkpoints of a model's ``Pretrained`` initialisations.

        Args:
            model (nn.Module): The model.
            logger (Logger): Is told what fits.

        Raises:
            ValueError: If one does not fit.
        """
        for name, module, cfg in self._pretrained(model):
            file, prefix = cfg['checkpoint'], cfg.get('prefix')
            checkpoint = read_checkpoint(file, map_location='cpu')
            where = (
                f'{file} for the Pretrained init_cfg of '
                f'{name or "the model"} (prefix={prefix!r})'
            )
            fit = _fit(module, checkpoint, where, file, prefix)
            self._judge(
                fit,
                where,
                checkpoint,
                file,
                prefix=prefix,
                missing=_unmatched(fit.missing, self.allow_missing),
                unexpected=_unmatched(fit.surplus, self.allow_unused),
                way_out='Set init_cfg.prefix to what precedes the keys in '
                'the file; CheckpointFitHook.allow_missing names what may be '
                'missing in the file, allow_unused what may be left over.',
            )
            _report(logger, fit, where)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the checkpoint of ``load_from`` or of a resumed run."""
        self.check_loaded(
            unwrap(runner.model),
            checkpoint,
            runner.cfg,
            runner.logger,
            trains=is_training(runner),
        )

    def check_loaded(
        self,
        model: nn.Module,
        checkpoint: Mapping,
        cfg: Mapping,
        logger: Logger,
        trains: bool = True,
    ) -> None:
        """Check the checkpoint that a whole model is to load.

        Args:
            model (nn.Module): The model.
            checkpoint (Mapping): The checkpoint.
            cfg (Mapping): The config, with ``load_from`` and ``resume``.
            logger (Logger): Is told what fits.
            trains (bool): Whether it is for training, not for a test.
                Defaults to True.

        Raises:
            ValueError: If it does not fit.
        """
        file = cfg.get('load_from', None) or 'FILE'
        resumes = cfg.get('resume', False)
        where = f'the checkpoint of load_from ({file})'
        if not trains:
            where = f'the checkpoint to be tested ({file})'
        elif resumes:
            where = f'the checkpoint to resume from ({file})'
        fit = _fit(model, checkpoint, where, file)
        missing, unexpected = fit.missing, ()
        if not trains:
            way_out = 'Test with the config that it was trained with.'
        elif resumes:
            unexpected = fit.unexpected
            way_out = (
                'Resume with the config that it was trained with; to start a '
                'new run from its weights, use load_from without resume.'
            )
        else:
            allowed = [f'backbone.{p}' for p in self.allow_missing]
            missing = _unmatched(
                _matched(fit.missing, self.required),
                (*self.allow_missing, *allowed),
            )
            unexpected = _matched(
                _unmatched(fit.surplus, self.allow_unused), self.required
            )
            way_out = (
                'A backbone alone is loaded by model.backbone.init_cfg='
                "dict(type='Pretrained', checkpoint=..., prefix=...)."
            )
        self._judge(fit, where, checkpoint, file, missing, unexpected, way_out)
        _report(logger, fit, where)

    def _judge(
        self,
        fit: CheckpointFit,
        where: str,
        checkpoint: Mapping,
        file: str,
        missing: tuple,
        unexpected: tuple,
        way_out: str,
        prefix: str | None = None,
    ) -> None:
        mismatched = {
            key: fit.mismatched[key]
            for key in _unmatched(fit.mismatched, self.allow_mismatch)
        }
        if not (missing or unexpected or mismatched) and fit.loaded:
            return
        cause = likely_cause(fit, checkpoint, prefix, file)
        if advice(checkpoint):
            cause, way_out = advice(checkpoint, file), ''
        elif mismatched:
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
            + f'\nThe likely cause is {cause}. {way_out}'
        )


def _report(logger: Logger, fit: CheckpointFit, where: str) -> None:
    logger.info(f'Checkpoint fits: {fit} loaded from {where}')
    left = (
        describe_keys('keep their initial values', fit.missing)
        + describe_keys('differ in shape, not loaded', fit.mismatched)
        + describe_keys('in the file but not used', fit.unexpected)
    )
    if left:
        logger.warning(f'Of {where}:{left}')


def _fit(
    module: nn.Module,
    checkpoint: Mapping,
    where: str,
    file: str,
    prefix: str | None = None,
) -> CheckpointFit:
    try:
        weights = state_dict_of(checkpoint, prefix)
    except ValueError as error:
        told = str(error).replace(advice(checkpoint), advice(checkpoint, file))
        raise ValueError(f'{where} is refused. {told}') from None
    try:
        return fit_checkpoint(module, weights)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f'{where} is refused: {error}') from error


def _matched(keys: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        key for key in keys if any(fnmatchcase(key, p) for p in patterns)
    )


def _unmatched(
    keys: Sequence[str], patterns: Sequence[str]
) -> tuple[str, ...]:
    matched = set(_matched(tuple(keys), patterns))
    return tuple(key for key in keys if key not in matched)
