# Copyright (c) aemim_mm contributors. All rights reserved.
"""The rules, in the order in which they are applied."""

from collections.abc import Callable

from . import (
    classes,
    coco,
    figures,
    labels,
    lengths,
    lists,
    origin,
    pixels,
    ranges,
    resumed,
    schedulers,
    shapes,
)
from .run import Run

# Each is a function of the run that raises Disagreement. One changes the
# config, `folders_by_name`: it stands before those that build data sets.
RULES: tuple[Callable[[Run], None], ...] = (
    ranges.values_in_range,
    shapes.decoder_fits_encoder,
    shapes.head_fits_encoder,
    shapes.images_fit_masks,
    classes.class_names_are_a_list,
    classes.numbers_agree,
    labels.imagenet_folders,
    labels.classes_have_images,
    labels.folders_by_name,
    lists.lists_within_classes,
    coco.coco_categories,
    lengths.something_to_do,
    classes.same_classes_everywhere,
    classes.number_of_classes,
    coco.evaluator_reads_the_same,
    origin.own_checkpoints,
    origin.same_weights,
    origin.same_model,
    pixels.pixels_normalised_alike,
    resumed.same_seed,
    resumed.same_loop,
    resumed.averages_are_resumed,
    resumed.same_optimizer,
    resumed.same_learning_rates,
    resumed.same_schedule,
    resumed.same_length,
    resumed.same_iterations_per_epoch,
    resumed.schedule_can_be_rebuilt,
    lengths.checkpoint_within_run,
    lengths.events_within_run,
    lengths.batch_norm_has_a_batch,
    schedulers.schedulers_are_stepped,
    schedulers.schedule_fits_run,
    figures.figure_is_given,
    figures.top_k_of_classes,
    figures.test_images_are_read,
)


def check_agreement(run: Run) -> None:
    """Compare the statements of a run before anything is written.

    Its config is changed where a rule says so. Disagreement at the first pair
    of statements that cannot both hold.
    """
    for rule in RULES:
        rule(run)
