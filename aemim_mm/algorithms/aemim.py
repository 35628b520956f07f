# Copyright (c) aemim_mm contributors. All rights reserved.
"""AEMIM: one training step over any stock MIM algorithm of mmpretrain."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS
from torch import Tensor

from ..core import (
    AdapterBank,
    AdapterSwap,
    AEMIMStep,
    FeatureDistancePGD,
)
from ..core.batch_subset import BatchSubset
from ..core.deferred_gradients import DeferredGradients
from ..core.losses import total, weighted
from ..core.step import aemim_step
from ..interception.first_step import CheckedPasses
from ..interception.frozen_network import FROZEN
from ..interception.rules import method_rule
from ..interception.stock_passes import StockPasses
from .argument_checks import (
    check_decoder,
    check_flag,
    check_preprocessor,
    check_ratio,
    check_stock_arguments,
)
from .stock import joined, stock_algorithm


@MODELS.register_module()
class AEMIMAlgorithm(BaseSelfSupervisor):
    r"""Adversarial examples meet masked image modeling.

    Adds to a MIM algorithm of mmpretrain the task of reconstructing the clean
    image from its masked adversarial example (Eq. 5 of AEMIM),

    .. math::
        \lambda L_{mim}(F(x^m; \psi \cup \phi_c), x) +
        (1 - \lambda) L_{mim}(F(x_a^m; \psi \cup \phi_a), x),

    with one mask m for both terms and for the attack. The stock algorithm's
    ``loss()`` runs twice; in the second run its norm layers (and class token)
    are those of the :class:`AdapterBank` ``adv``, and its encoder sees x_a.

    An instance is also an instance of the stock algorithm, because there is
    one class for each method. All modules and state-dict keys of the stock
    algorithm are unchanged. Only the adversarial adapters are added, under
    ``adv.``. Without them it is a stock model (``prefix='backbone.'`` does
    not load them).

    Args:
        method (str): Name of a MIM algorithm in mmpretrain's ``MODELS``, such
            as ``'MAE'``.
        attack (dict | Callable, optional): The attack, a config or an object
            that is called like :class:`FeatureDistancePGD`. Defaults to
            ``dict(type='FeatureDistancePGD')``.
        adapters (Sequence[str]): What is doubled: a subset of ``'norm'`` and
            ``'cls_token'``. Defaults to ``('norm', )``.
        adv_ratio (float): Share alpha of the batch that gets an adversarial
            example, in (0, 1]; at least one image. Defaults to 1.0.
        loss_ratio (float): Weight lambda of the clean loss, in [0, 1].
            Defaults to 0.5.
        sequential_backward (bool): Compute the gradients of the clean loss,
            and free its graph, before the attack and the adversarial pass.
            The step then stores the activations of one pass instead of two,
            and one set of gradients. The training loop, its single backward
            pass and the gradients stay the same. Defaults to False.
        **stock: Every argument of the stock algorithm, unchanged.

    Raises:
        TypeError: If an argument is of the wrong type or unknown.
        ValueError: If a value is out of range, the method is unknown, the
            backbone lacks an adapter, or the preprocessor has no mean/std.
    """

    # The key that names the class which takes all other arguments.
    rest_goes_to = 'method'

    def __new__(cls, *args, method: str | None = None, **kwargs):
        """Make the instance of the class that joins AEMIM and the method."""
        # A class that was joined by hand may name the method itself.
        if cls is AEMIMAlgorithm or method is not None:
            stock = stock_algorithm(method, AEMIMAlgorithm)
            if not issubclass(cls, stock):
                cls = joined(cls, stock)
        return super().__new__(cls)

    def __init__(
        self,
        *,
        method: str,
        attack: dict | Callable | None = None,
        adapters: Sequence[str] = ('norm',),
        adv_ratio: float = 1.0,
        loss_ratio: float = 0.5,
        sequential_backward: bool = False,
        **stock,
    ) -> None:
        check_ratio('adv_ratio', adv_ratio, zero=False)
        check_ratio('loss_ratio', loss_ratio, zero=True)
        check_flag('sequential_backward', sequential_backward)
        own = (
            'method',
            'attack',
            'adapters',
            'adv_ratio',
            'loss_ratio',
            'sequential_backward',
        )
        stock_class = stock_algorithm(method, AEMIMAlgorithm)
        check_stock_arguments(stock_class, stock, own)
        # Some stock classes change the configs they are given.
        super().__init__(**{k: _copied(value) for k, value in stock.items()})
        check_preprocessor(self.data_preprocessor)
        check_decoder(
            self.backbone,
            getattr(self, 'neck', None),
            getattr(self, 'head', None),
        )
        if getattr(self.backbone, 'adapters', ()):
            raise ValueError(
                'inside AEMIMAlgorithm the algorithm holds the adapters: '
                'remove `adapters` from the backbone, it has '
                f'{self.backbone.adapters}'
            )
        self.adv_ratio = adv_ratio
        self.loss_ratio = loss_ratio
        self.sequential_backward = sequential_backward
        self.deferred = DeferredGradients()
        self.attack = _build_attack(attack)
        self.method_rule = method_rule(stock_class)
        apart = ('data_preprocessor', *FROZEN, *self.method_rule.apart)
        self.adv = AdapterBank(self, adapters, exclude=apart)
        self.adapters = self.adv.kinds
        self.passes = StockPasses(self, self.method_rule)
        self.swap = AdapterSwap(self, self.adv, 'backbone', exclude=FROZEN)
        self._loaded_twins: set[str] = set()
        self._checked = False
        self._register_load_state_dict_pre_hook(self._fill_adapters)

    def train(self, mode: bool = True) -> 'AEMIMAlgorithm':
        """Set the mode; frozen networks stay in evaluation mode.

        Args:
            mode (bool): Whether to train. Defaults to True.

        Returns:
            AEMIMAlgorithm: The model itself.
        """
        super().train(mode)
        self.passes.set_frozen_to_eval()
        return self

    # -- initialisation and loading -----------------------------------------

    def _fill_adapters(self, state_dict, prefix, *args) -> None:
        """Load-state-dict pre-hook: a stock checkpoint has no ``adv.*``."""
        found = self.adv.fill_missing(state_dict, prefix, f'{prefix}adv.')
        self._loaded_twins |= found

    def init_weights(self) -> None:
        """Initialise as the method does; phi_a starts as a copy of phi_c."""
        if self.is_init:  # a second call changes nothing, and warns
            super().init_weights()
            return
        self._loaded_twins.clear()  # the originals are about to change
        super().init_weights()
        self.adv.copy_from(self, skip=self._loaded_twins)

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """The layer-wise depth; a twin has its clean parameter's depth.

        Args:
            param_name (str): Name of the parameter.

        Returns:
            tuple[int, int]: The depth and the number of depths.
        """
        return super().get_layer_depth(param_name.removeprefix('adv.'))

    # -- the training step --------------------------------------------------

    def loss(
        self, inputs: Tensor | list[Tensor], data_samples=None, **kwargs
    ) -> dict[str, Tensor]:
        """One training step's losses and log values.

        Args:
            inputs (Tensor | list[Tensor]): Normalised images (B, C, H, W), or
                one such tensor per view.
            data_samples (list, optional): As the stock algorithm takes them.
                Defaults to None.
            **kwargs: As the stock algorithm takes them.

        Returns:
            dict[str, Tensor]: ``loss_clean`` and ``loss_adv``, weighted (with
            several losses every stock key with ``_clean`` / ``_adv``), and for
            the log ``recon_clean``, ``recon_adv`` (unweighted sums of the
            losses), ``distance_start`` and ``distance_end`` (mean feature
            distance per image at the attack's start and after it; the
            latter comes from the training pass, so with DropPath or Dropout
            in the encoder their noise is in it).
        """
        step = self.step(inputs, data_samples, **kwargs)
        return {
            **weighted(step.clean, 'clean', self.loss_ratio),
            **weighted(step.adv, 'adv', 1 - self.loss_ratio),
            'recon_clean': total(step.clean).detach(),
            'recon_adv': total(step.adv).detach(),
            'distance_start': step.distance_start,
            'distance_end': step.distance_end,
        }

    def step(
        self, inputs: Tensor | list[Tensor], data_samples=None, **kwargs
    ) -> AEMIMStep:
        """Clean pass, attack and adversarial pass (Algorithm 1).

        Args:
            inputs (Tensor | list[Tensor]): Normalised images (B, C, H, W), or
                one such tensor per view; the encoder sees the first.
            data_samples (list, optional): As the stock algorithm takes them.
                Defaults to None.
            **kwargs: As the stock algorithm takes them.

        Returns:
            AEMIMStep: The unweighted losses and what led to them.
        """
        images = inputs if isinstance(inputs, Tensor) else inputs[0]
        subset = BatchSubset(self.choose_rows(len(images)), len(images))
        batch = (inputs, data_samples, kwargs)
        chosen = subset.of(batch)
        passes: StockPasses | CheckedPasses = self.passes
        if not self._checked:
            passes = CheckedPasses(self.passes, self.swap, subset)
        step = aemim_step(
            images,
            lambda: passes.clean_pass(*batch),
            passes.encode,
            lambda x_adv, call: passes.adversarial_pass(x_adv, call, *chosen),
            lambda maps, call: passes.reconstruction(maps, call, *chosen),
            swap=self.swap,
            attack=self.attack,
            mean=self.data_preprocessor.mean,
            std=self.data_preprocessor.std,
            rows=subset.rows,
            # With weight 0 there is nothing to take, and no overflow to keep.
            deferred=self.deferred
            if self.sequential_backward and self.loss_ratio > 0
            else None,
        )
        # A picture before training is no check of training.
        self._checked = self._checked or self.training
        return step

    def choose_rows(self, batch_size: int) -> list[int] | None:
        """Choose the images that get an adversarial example in this step.

        Args:
            batch_size (int): Number of images B on this rank.

        Returns:
            list[int] | None: max(1, round(adv_ratio * B)) ascending rows, or
            None for all of them. They come from Python's generator, on the
            host: nothing waits for the device. MixMIM, which mixes images i
            and B - 1 - i, rounds up to whole pairs.
        """
        count = max(1, round(self.adv_ratio * batch_size))
        if count == batch_size:
            return None
        return self.method_rule.choose_rows(count, batch_size)

    def stock_loss(
        self, inputs: Tensor | list[Tensor], data_samples=None, **kwargs
    ) -> dict[str, Any]:
        """The stock algorithm's own ``loss()``, as one pass of a step.

        Args:
            inputs (Tensor | list[Tensor]): As :meth:`step` takes them.
            data_samples (list, optional): Likewise. Defaults to None.
            **kwargs: Likewise.

        Returns:
            dict[str, Any]: What the stock algorithm returns.
        """
        return super().loss(inputs, data_samples, **kwargs)


def _build_attack(attack: dict | Callable | None) -> Callable:
    if attack is None:
        return FeatureDistancePGD()
    if isinstance(attack, dict):
        attack = MODELS.build(dict(attack))
    if not callable(attack):
        raise TypeError(
            "attack must be a config such as dict(type='FeatureDistancePGD') "
            f'or a callable, but got {attack!r}'
        )
    return attack


def _copied(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, dict | list) else value
