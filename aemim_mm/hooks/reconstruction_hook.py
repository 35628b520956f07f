# Copyright (c) aemim_mm contributors. All rights reserved.
"""Draw reconstructions of the same images while training goes on."""

import copy

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.visualization.utils import img_from_canvas
from mmpretrain.registry import HOOKS

from ..visualization.images import sample_batch
from ..visualization.isolation import isolated
from ..visualization.reconstruction import (
    ImageRows,
    check_drawable,
    reconstruct,
)
from ..visualization.rows_figure import draw_rows
from .load_target import unwrap


@HOOKS.register_module()
class ReconstructionHook(Hook):
    """Show what the model reconstructs, every few epochs.

    The picture goes to the runner's visualizer as ``reconstruction``: to
    ``vis_data/vis_image/reconstruction_{epoch}.png``, and to TensorBoard where
    it is configured. Its rows are those of :func:`reconstruct`: six for
    :class:`AEMIMAlgorithm`; for a stock method such as MAE, which has no
    adversarial examples, the first three.

    The images, spread evenly over the training set, their augmentation, mask
    and attack noise are the same each time. The hook does not change the
    training: random generators, modes, buffers and gradients are restored,
    and a run with this hook has the same losses as a run without it. Only the
    main process draws, on the unwrapped model, without any collective call.

    In iteration-based training an "epoch" is the whole run: there is one
    picture at its end.

    Args:
        interval (int): Number of epochs between two pictures. The last epoch
            is always drawn. Defaults to 1.
        num_images (int): Number of images. Defaults to 8.
        seed (int): Seed of augmentation, mask and attack. Defaults to 0.

    Raises:
        TypeError: If an argument is not an int.
        ValueError: If ``interval`` or ``num_images`` is < 1 or ``seed`` < 0.
            Before training, if the method's reconstructions cannot be drawn.
    """

    # After the checkpoint hook: a picture that fails must not cost an epoch.
    priority = 'LOWEST'

    def __init__(
        self, interval: int = 1, num_images: int = 8, seed: int = 0
    ) -> None:
        for name, value, least in (
            ('interval', interval, 1),
            ('num_images', num_images, 1),
            ('seed', seed, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f'{name} must be an int, but got {value!r}')
            if value < least:
                raise ValueError(f'{name} must be >= {least}, but got {value}')
        self.interval = interval
        self.num_images = num_images
        self.seed = seed
        self._batch: dict | None = None

    def before_train(self, runner) -> None:
        """Refuse a method that cannot be drawn before work is lost.

        Every process tries, so that all of them stop.
        """
        try:
            self._reconstruct(runner)
        except ValueError as error:
            raise ValueError(
                f'{error}. Or remove ReconstructionHook from `custom_hooks`'
            ) from error

    def after_train_epoch(self, runner) -> None:
        """Draw, if it is time to."""
        if not is_main_process():
            return
        if self.every_n_epochs(
            runner, self.interval
        ) or self.is_last_train_epoch(runner):
            title = f'Epoch {runner.epoch + 1}'
            figure = draw_rows(self._reconstruct(runner), title)
            runner.visualizer.add_image(
                'reconstruction',
                img_from_canvas(figure.canvas),
                step=runner.epoch + 1,
            )

    def _reconstruct(self, runner) -> ImageRows:
        """Collect the pictures of the images, which are fetched once."""
        model = unwrap(runner.model)
        check_drawable(model)
        if self._batch is None:
            loader = runner.train_dataloader
            with isolated(model, self.seed):
                self._batch = sample_batch(
                    loader.dataset, self.num_images, loader.collate_fn
                )
        # A preprocessor may write into the data samples.
        data = model.data_preprocessor(copy.deepcopy(self._batch), False)
        return reconstruct(
            model, data['inputs'], data['data_samples'], self.seed
        )
