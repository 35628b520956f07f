# Copyright (c) aemim_mm contributors. All rights reserved.
"""The numbers of a pre-training run, and whether they are as they should."""

from pathlib import Path

from ..visualization.curves import epoch_means, read_scalars


def pretrain_summary(work_dir: str | Path, batch_size: int) -> dict:
    """Losses and throughput of an AEMIM pre-training run.

    Args:
        work_dir (str | Path): Work directory of the run.
        batch_size (int): Images per iteration, over all processes.

    Returns:
        dict: ``recon_clean`` and ``recon_adv``, lists of means per epoch, and
        ``images_per_second``: batch size by mean time of the logged
        iterations, loading included.

    Raises:
        FileNotFoundError: If the run has no log.
        ValueError: If a key is not in the log of every epoch.
    """
    entries = read_scalars(work_dir)
    means = epoch_means(entries, ('recon_clean', 'recon_adv', 'time'))
    for key in ('recon_clean', 'recon_adv', 'time'):
        if key not in means:
            raise ValueError(
                f'{key!r} is not in the log of every epoch in {work_dir}: was '
                'it a run of AEMIMAlgorithm, with IterTimerHook?'
            )
    times = [entry['time'] for entry in entries if 'time' in entry]
    return dict(
        recon_clean=means['recon_clean'],
        recon_adv=means['recon_adv'],
        images_per_second=batch_size * len(times) / sum(times),
    )


def failures_of(summary: dict, min_top1: float | None) -> list[str]:
    """What a demo run should have reached, and has not.

    Args:
        summary (dict): With ``pretrain`` and ``finetune``, as the demo writes
            it.
        min_top1 (float, optional): Least top-1 accuracy after fine-tuning, in
            percent. None means that it is not judged.

    Returns:
        list[str]: One sentence per failure. Both reconstruction losses must
        be lower in the last epoch than in the first.
    """
    failures = []
    for key in ('recon_clean', 'recon_adv'):
        values = summary['pretrain'][key]
        if not values[-1] < values[0]:
            failures.append(
                f'{key} did not fall: {values[0]:.4f} in the first epoch, '
                f'{values[-1]:.4f} in the last'
            )
    top1 = summary['finetune']['top1']
    if min_top1 is not None and not top1 >= min_top1:
        failures.append(
            f'top-1 after fine-tuning is {top1:.2f} %, less than '
            f'{min_top1:g} %'
        )
    return failures
