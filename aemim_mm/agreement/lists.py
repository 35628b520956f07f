# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do the labels of a list of images fit the head?"""

from .disagreement import Disagreement
from .run import Run
from .unread import listed_datasets


def lists_within_classes(run: Run) -> None:
    """Labels of a list are numbers from 0 to the head's last class."""
    head = run.model.get('head')
    classes = head.get('num_classes') if isinstance(head, dict) else None
    if not run.model_is('BaseClassifier') or not isinstance(classes, int):
        return
    for phase in run.phases:
        for key, dataset in listed_datasets(run, phase):
            _check_list(f'{key}.ann_file', dataset.ann_file, classes)


def _check_list(key: str, path: str, classes: int) -> None:
    """Read the labels of a list."""
    with open(path, encoding='utf-8') as file:
        labels = [line.rstrip().rpartition(' ')[2] for line in file]
    # A million lines have few labels.
    different = set(labels)
    wrong = {text for text in different if not text.isdecimal()}
    if wrong:
        number, line = _first(path, labels, wrong)
        raise Disagreement(
            f'{key}: line {number} of {path}, {line!r}, is not "PATH LABEL" '
            f'with a label from 0 to {classes - 1}, which with_label=True '
            'asks for. Correct the line; for images without labels set '
            'with_label=False.'
        )
    beyond = {text for text in different if int(text) >= classes}
    if not beyond:
        return
    numbers = {int(text) for text in different}
    if min(numbers) == 1 and max(numbers) == classes:
        raise Disagreement(
            f'{key}: the labels of {path} run from 1 to {classes}, as if '
            f'counted from one, but model.head.num_classes={classes} means '
            f'labels from 0 to {classes - 1}. Subtract 1 from every label.'
        )
    number, line = _first(path, labels, beyond)
    raise Disagreement(
        f'{key}: line {number} of {path}, {line!r}, has label '
        f'{labels[number - 1]}, but model.head.num_classes={classes} means '
        f'labels from 0 to {classes - 1}. Correct the list or num_classes '
        '(of data_preprocessor, too).'
    )


def _first(path: str, labels: list[str], wrong: set[str]) -> tuple[int, str]:
    """Number and text of the first line with one of these labels."""
    place = next(i for i, label in enumerate(labels) if label in wrong)
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines()
    return place + 1, lines[place].strip()
