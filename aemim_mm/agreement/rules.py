# Copyright (c) aemim_mm contributors. All rights reserved.
"""The rules, in the order in which they are applied."""

from collections.abc import Callable

from . import lengths, origin, resumed
from .run import Run

# Each is a function of the run that raises Disagreement.
RULES: tuple[Callable[[Run], None], ...] = (
    lengths.something_to_train_on,
    origin.own_checkpoints,
    origin.same_weights,
    origin.same_model,
    resumed.same_seed,
    resumed.same_loop,
    resumed.same_optimizer,
    resumed.same_learning_rates,
    resumed.same_schedule,
    resumed.same_length,
    resumed.same_iterations_per_epoch,
    resumed.schedule_can_be_rebuilt,
)


def check_agreement(run: Run) -> None:
    """Compare the statements of a run before anything is written.

    Args:
        run (Run): The run. Its config is changed where a rule says so.

    Raises:
        Disagreement: At the first pair of statements that cannot both hold.
    """
    for rule in RULES:
        rule(run)
