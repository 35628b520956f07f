# Copyright (c) aemim_mm contributors. All rights reserved.
"""Draw what a pre-trained model reconstructs, in one figure.

Rows: original, masked, reconstruction, adversarial image, amplified
perturbation, reconstruction from the masked adversarial image. A method
without adversarial examples (MAE) gives the first three.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.cfg_options import CfgOptions  # noqa: E402
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'config', type=config_path, help='the pre-training recipe'
    )
    parser.add_argument('checkpoint', help='its checkpoint, epoch_N.pth')
    parser.add_argument(
        'images',
        nargs='*',
        help='image files: their short edge is resized to the size of the '
        "model's input, and the centre is cropped (all of the image is "
        'resized if the input is not square); without them, images '
        "spread over the config's training set are drawn",
    )
    parser.add_argument('--out', default='reconstruction.png')
    parser.add_argument(
        '--num-images',
        type=int,
        default=8,
        help='number of images of the training set (default: 8)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of mask and attack'
    )
    parser.add_argument(
        '--device',
        help='default: the accelerator if there is one, else the CPU',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=CfgOptions, help='key=value'
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.num_images < 1:
        parser.error(f'--num-images must be >= 1, got {args.num_images}')
    if args.seed < 0:
        parser.error(f'--seed must be >= 0, got {args.seed}')
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from mmengine.config import Config  # noqa: E402
from mmengine.dataset import Compose, default_collate  # noqa: E402
from mmengine.device import get_device  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmpretrain.registry import DATASETS, MODELS  # noqa: E402
from torch import nn  # noqa: E402

import aemim_mm  # noqa: E402, F401
from aemim_mm.checkpoints import (  # noqa: E402
    load_checkpoint_file,
    use_safe_loader,
)
from aemim_mm.checkpoints.fit import (  # noqa: E402
    require_finite,
    state_dict_of,
)
from aemim_mm.datasets import LoadImageOrSkip  # noqa: E402
from aemim_mm.launcher.shortcuts import expand_shortcuts  # noqa: E402
from aemim_mm.utils.read_config import (  # noqa: E402
    merge_options,
    read_config,
)
from aemim_mm.utils.storage import (  # noqa: E402
    check_writable,
    save_figure,
)
from aemim_mm.visualization import (  # noqa: E402
    draw_rows,
    isolated,
    reconstruct,
    sample_batch,
)


def load_model(cfg: Config, checkpoint: str, device: str) -> nn.Module:
    """Build the model of a config with the weights of a checkpoint.

    Args:
        cfg (Config): A pre-training config.
        checkpoint (str): Path of the checkpoint.
        device (str): Where to put the model.

    Returns:
        nn.Module: The model.

    Raises:
        ValueError: If no key of the checkpoint, or no shape, fits the model.
    """
    try:
        weights = state_dict_of(load_checkpoint_file(checkpoint))
        require_finite(weights)
    except ValueError as error:
        raise ValueError(f'{checkpoint}: {error}') from error
    # As the Runner does.
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    model = MODELS.build(cfg.model)
    wanted = model.state_dict()
    if not wanted.keys() & weights.keys():
        raise ValueError(
            f'no key of {checkpoint} fits the model of the config: it has '
            f'{list(weights)[:3]}, the model has {list(wanted)[:3]}'
        )
    try:
        missing, _ = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ValueError(f'{checkpoint} does not fit: {error}') from error
    if missing:
        warnings.warn(
            f'{checkpoint} lacks {len(missing)} of {len(wanted)} entries of '
            f'the model, e.g. {missing[:3]}: what they lead to is untrained',
            stacklevel=2,
        )
    return model.to(device)


def load_images(paths: Sequence[str], model: nn.Module, cfg: Config) -> dict:
    """Read image files as the config's data pipeline would.

    Args:
        paths (Sequence[str]): Image files.
        model (nn.Module): Gives size and number of channels.
        cfg (Config): Tells whether its data set loads images, as BGR.

    Returns:
        dict: A batch for the data preprocessor.

    Raises:
        FileNotFoundError: If a file does not exist.
        OSError: If a file is not an image.
    """
    size = model.backbone.img_size
    grey = model.data_preprocessor.mean.numel() == 1
    dataset = cfg.train_dataloader.dataset
    loads = 'TimmDataset' in str(dataset.type) or any(
        'LoadImage' in str(step['type'])
        for step in dataset.get('pipeline', [])
    )
    crop = Compose(
        [
            dict(type='FitToEncoder', img_size=size, crop_ratio=1.0),
            dict(type='PackInputs'),
        ]
    )
    color = 'grayscale' if grey else 'color'
    # As recipes load them: a rotation in the EXIF data is ignored.
    load = LoadImageOrSkip(
        test_mode=True, color_type=f'{color}_ignore_orientation'
    )
    samples = []
    for path in paths:
        if not Path(path).is_file():
            raise FileNotFoundError(f'no image file {path}')
        sample = load(dict(img_path=path))
        if not loads and not grey:
            # Array datasets such as CIFAR hold RGB; loaders give BGR.
            sample['img'] = sample['img'][..., ::-1]
        if not loads:
            del sample['img_path'], sample['ori_shape']
        samples.append(crop(sample))
    return default_collate(samples)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure.

    Raises:
        FileNotFoundError: If config, checkpoint or an image is missing.
        ValueError: If one of them cannot be used.
    """
    use_safe_loader()
    args = parse_args(argv)
    check_writable(args.out)
    cfg = read_config(args.config)
    merge_options(cfg, expand_shortcuts(cfg, args.cfg_options))
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    model = load_model(cfg, args.checkpoint, args.device or get_device())
    if args.images:
        batch = load_images(args.images, model, cfg)
    else:
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        with isolated(model, args.seed):
            batch = sample_batch(dataset, args.num_images, default_collate)
    data = model.data_preprocessor(batch, False)
    rows = reconstruct(model, data['inputs'], data['data_samples'], args.seed)
    save_figure(draw_rows(rows), args.out)
    print(f'{args.out}: {len(rows.images["original"])} images')


if __name__ == '__main__':
    run_main(main)
