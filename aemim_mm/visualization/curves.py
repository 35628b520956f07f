# Copyright (c) aemim_mm contributors. All rights reserved.
"""Loss curves of a run, from the scalars that mmengine writes."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

SCALARS = 'vis_data/scalars.json'
# Panels of the figure: title, and what is drawn in it.
PANELS = (
    (
        'Reconstruction loss',
        {
            'recon_clean': ('clean images', 'tab:blue', '-'),
            'recon_adv': ('adversarial examples', 'tab:red', '--'),
        },
    ),
    (
        'Feature distance to the clean image',
        {
            'distance_start': ('random start', 'tab:gray', '-'),
            'distance_end': ('after the attack', 'tab:red', '--'),
        },
    ),
)
KEYS = tuple(key for _, lines in PANELS for key in lines) + ('loss',)


def read_scalars(work_dir: str | Path) -> list[dict]:
    """Read the training log of a run, across its interruptions.

    Every start of a run writes a folder of its own in the work directory. A
    resumed start continues the ones before it: from its first epoch on, its
    entries replace theirs. A start from the first epoch replaces them all.

    Args:
        work_dir (str | Path): Work directory of a run, or one of the time
            stamped folders in it.

    Returns:
        list[dict]: The entries of training iterations, in order, with the
        keys ``step``, ``epoch`` (absent in iteration-based runs), ``loss``
        and whatever else was logged.

    Raises:
        FileNotFoundError: If there is no such folder or no log in it.
        ValueError: If a log is not JSON lines, or has no training entry.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise FileNotFoundError(
            f'no work directory {work_dir}: give the --work-dir of a training '
            'run'
        )
    files = sorted(work_dir.glob(f'*/{SCALARS}'))
    if (work_dir / SCALARS).is_file():
        files = [work_dir / SCALARS]
    if not files:
        raise FileNotFoundError(
            f'no {SCALARS} in {work_dir} or in a folder of it: the run has '
            'not logged anything yet, or its visualizer has no '
            'LocalVisBackend'
        )
    entries: list[dict] = []
    for file in files:
        new = [e for e in read_log(file) if 'loss' in e]
        if new:
            first = _position(new[0])
            entries = [e for e in entries if _position(e) < first] + new
    if not entries:
        raise ValueError(f'no training iteration is logged in {work_dir}')
    return entries


def _position(entry: dict) -> int:
    return entry.get('epoch', entry['step'])


def read_log(file: Path) -> Iterable[dict]:
    """The entries of a log in JSON lines, 'train/loss' as 'loss'."""
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        try:
            # log_processor.log_with_hierarchy puts the phase before a name.
            entry = json.loads(line)
            yield {k.removeprefix('train/'): v for k, v in entry.items()}
        except json.JSONDecodeError as error:
            # A killed run may leave half of its last line.
            if number < len(lines):
                raise ValueError(
                    f'{file}, line {number} is not JSON: {error}'
                ) from error


def last_metric(work_dir: str | Path, key: str) -> float:
    """The last value of a validation metric.

    Args:
        work_dir (str | Path): Work directory of a run.
        key (str): Name of the metric, such as ``'accuracy/top1'``.

    Returns:
        float: The value.

    Raises:
        ValueError: If no validation with this metric is logged.
    """
    values = []
    for file in sorted(Path(work_dir).glob(f'*/{SCALARS}')):
        values += [entry[key] for entry in read_log(file) if key in entry]
    if not values:
        raise ValueError(f'no validation with {key!r} is logged in {work_dir}')
    return values[-1]


def is_validated(work_dir: str | Path) -> bool:
    """Whether the log has a validation behind its last training iteration.

    Args:
        work_dir (str | Path): Work directory of a run.

    Returns:
        bool: True also for a run that has logged nothing.
    """
    validated = True
    for file in sorted(Path(work_dir).glob(f'*/{SCALARS}')):
        for entry in read_log(file):
            if 'loss' in entry:
                validated = False
            # not what OnlineEvalHook writes
            elif not all(k == 'step' or 'online/' in k for k in entry):
                validated = True
    return validated


def epoch_means(
    entries: Sequence[dict], keys: Sequence[str] = KEYS
) -> dict[str, list[float]]:
    """Average the log over each epoch.

    Args:
        entries (Sequence[dict]): What :func:`read_scalars` returns.
        keys (Sequence[str]): What to average. Defaults to the losses and
            distances of AEMIM, and ``loss``.

    Returns:
        dict[str, list[float]]: ``epoch`` (the step, in iteration-based runs)
        and a list of the same length per key. A key that some epoch lacks is
        left out.
    """
    groups: dict[int, list[dict]] = {}
    for entry in entries:
        groups.setdefault(_position(entry), []).append(entry)
    means: dict[str, list[float]] = {'epoch': list(groups)}
    for key in keys:
        values = [[e[key] for e in g if key in e] for g in groups.values()]
        if all(values):
            means[key] = [sum(v) / len(v) for v in values]
    return means


def draw_curves(means: dict[str, list[float]], unit: str = 'epoch') -> Figure:
    """Draw clean and adversarial curves (Figure 2 of the AEMIM paper).

    Left the reconstruction losses, right the feature distances at the random
    start and at the end of the attack. A run without adversarial examples
    gives one panel with its ``loss``.

    Args:
        means (dict[str, list[float]]): What :func:`epoch_means` returns.
        unit (str): Label of the horizontal axis. Defaults to ``'epoch'``.

    Returns:
        Figure: Save it with ``figure.savefig(path)``.

    Raises:
        ValueError: If there is nothing to draw.
    """
    panels = [
        (title, {k: style for k, style in lines.items() if k in means})
        for title, lines in PANELS
    ]
    panels = [(title, lines) for title, lines in panels if lines]
    if not panels and 'loss' in means:
        panels = [('Loss', {'loss': ('loss', 'tab:blue', '-')})]
    if not panels:
        raise ValueError(
            f'nothing to draw: none of {KEYS} is in every epoch of the log'
        )
    figure = Figure(
        figsize=(4.8 * len(panels), 3.4),
        dpi=120,
        facecolor='white',
        layout='constrained',
    )
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    marker = 'o' if len(means['epoch']) <= 40 else None
    for axis, (title, lines) in zip(axes, panels, strict=True):
        for key, (label, color, style) in lines.items():
            axis.plot(
                means['epoch'],
                means[key],
                color=color,
                linestyle=style,
                marker=marker,
                markersize=3,
                label=label,
            )
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(unit)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
        if len(lines) > 1:
            axis.legend(frameon=False, fontsize=8)
    return figure
