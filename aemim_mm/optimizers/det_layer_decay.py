# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Callable
from functools import partial

from mmengine import registry as mmengine_registry
from mmpretrain.engine import LearningRateDecayOptimWrapperConstructor
from mmpretrain.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


# In mmengine's own registry too, to which that of mmdet falls back: the name
# needs no prefix there.
@mmengine_registry.OPTIM_WRAPPER_CONSTRUCTORS.register_module()
@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class DetLayerDecayOptimWrapperConstructor(
    LearningRateDecayOptimWrapperConstructor
):
    """Layer-wise learning rate decay, also for detectors.

    mmpretrain's constructor calls ``get_layer_depth`` of the model for the
    depth of a parameter. mmdet's detectors do not have this method, so that
    of their ``backbone`` is called here. For a parameter at depth ``d`` of a
    ViT with ``L`` blocks, the learning rate is multiplied by
    ``layer_decay_rate ** (L + 1 - d)``. The embeddings have depth 0, and
    block ``i`` (from 0) has depth ``i + 1``. All that follows the blocks,
    such as the neck and the heads of a detector, has depth ``L + 1`` and
    therefore the full learning rate.

    The arguments and ``paramwise_cfg`` are those of
    :class:`LearningRateDecayOptimWrapperConstructor`, which ignores
    ``lr_mult`` in ``custom_keys``.
    """

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        get_layer_depth: Callable | None = None,
        **kwargs,
    ) -> None:
        """Add all parameters of a module to the parameter groups.

        Args:
            params (list[dict]): The parameter groups. Changed in place.
            module (nn.Module): The model, or a part of it.
            prefix (str): Name of the part with a dot. Defaults to ``''``,
                the model itself.
            get_layer_depth (Callable, optional): The depth and the number of
                depths of a parameter by its name. Defaults to None: the
                model's, or else its backbone's.
            **kwargs: As the base class.

        Raises:
            TypeError: If neither the model nor its backbone knows depths.
        """
        if get_layer_depth is None and not hasattr(module, 'get_layer_depth'):
            backbone = getattr(module, 'backbone', None)
            if not hasattr(backbone, 'get_layer_depth'):
                raise TypeError(
                    'Layer-wise learning rate decay needs the depth of every '
                    f'parameter, but neither {type(module).__name__} nor its '
                    f'backbone ({type(backbone).__name__}) has the method '
                    'get_layer_depth. Use a backbone of mmpretrain that has '
                    'it, such as mmpretrain.VisionTransformer, or remove '
                    'optim_wrapper.constructor'
                )
            get_layer_depth = partial(
                backbone.get_layer_depth, prefix='backbone.'
            )
        super().add_params(params, module, prefix, get_layer_depth, **kwargs)
