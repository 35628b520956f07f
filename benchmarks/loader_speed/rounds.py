# Copyright (c) aemim_mm contributors. All rights reserved.
"""All loaders on the same files, in turn."""

from mmengine.config import Config

from ..pipeline import pipeline_of
from ..process import progress_bar
from ..timing import interleave
from .loaders import (
    LoaderSettings,
    drain,
    ours,
    timm_pil,
    torchvision_pil,
    torchvision_tensors,
)
from .pixels import PixelDifference, compare_pixels, crop_by, crop_of_tensors
from .recipe import recipe_of
from .speed_row import SpeedRow, best_of, rows_of
from .variants import variants_of

# Other libraries. The speed is relative to the fastest of them.
TORCHVISION, TIMM = 'torchvision', 'timm'
TENSORS = 'torchvision, tensors'
OTHERS = (TORCHVISION, TIMM, TENSORS)
# Files whose pixels are compared.
COMPARED = 16


def measure_loaders(
    cfg: Config, settings: LoaderSettings, rounds: int
) -> tuple[list[SpeedRow], str]:
    """Measure the loader of a config, of other libraries, and variants.

    Each loads all JPEG files of the folder ``rounds`` times, after one that is
    not counted. The row of the config comes first, and beside the rows the
    name of what the ratios are to. ImportError if timm is not installed,
    ValueError if the pipeline cannot be compared with other libraries.
    """
    pipeline = pipeline_of(cfg)
    recipe = recipe_of(pipeline)
    pipelines = variants_of(pipeline)
    first, *others = pipelines
    loaders = {
        first: ours(settings, cfg, pipeline),
        TORCHVISION: torchvision_pil(settings, recipe),
        TIMM: timm_pil(settings, recipe),
        TENSORS: torchvision_tensors(settings, recipe),
    }
    for name in others:
        loaders[name] = ours(settings, cfg, pipelines[name])
    paths = sorted(settings.folder.rglob('*.JPEG'))
    crops = {name: crop_by(steps) for name, steps in pipelines.items()}
    crops[TENSORS] = crop_of_tensors(recipe, pipeline)
    differences = {
        name: compare_pixels(crop, recipe, paths[:COMPARED])
        for name, crop in crops.items()
    }
    # It is what the others are compared with, and what timm calls.
    same = PixelDifference(0, 0.0, 0.0)
    differences.update({TORCHVISION: same, TIMM: same})
    runs = {
        name: drain(loader, len(paths), recipe.size)
        for name, loader in loaders.items()
    }
    with progress_bar(len(loaders) * (rounds + 1)) as bar:
        seconds = interleave(runs, rounds, tick=bar.update)
    best = best_of(seconds, OTHERS)
    return rows_of(seconds, differences, len(paths), best), best
