# Copyright (c) aemim_mm contributors. All rights reserved.
"""The numbers in a results.json: what they are called and made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES
from aemim_mm_cli.imagenet_variants import VARIANTS

from .intervals import Proportion
from .scores import ALEXNET_ERRORS

# Images of the original of each part. Of ImageNet-ReaL so many have labels;
# attacks were published on ARES-Bench's list.
ORIGINAL_IMAGES = {
    **{part: info.num_images for part, info in VARIANTS.items()},
    'real': 46837,
    'fgsm': 5000,
    'pgd': 5000,
    'autoattack': 5000,
    'curve': 5000,
}
SCORE_PARTS = ('a', 'r', 'sketch')
NUM_CELLS = len(CORRUPTIONS) * len(SEVERITIES)


@dataclass(frozen=True)
class Column:
    """A number of a results.json.

    Attributes:
        title (str): Heading of its column in a table.
        part (str): Key of the part of the suite, or 'score'.
        field (str): Its key in the part: 'top1', a budget in 0-255 pixel
            values, 'average', 'mce', 'mean_error', or the name of a
            corruption for the mean error of that. Defaults to 'top1'.
    """

    title: str
    part: str
    field: str = 'top1'

    def value(self, results: Mapping) -> float | None:
        """The number in percent.

        Args:
            results (Mapping): Content of a results.json.

        Returns:
            float | None: None where it is absent or undefined.
        """
        if self.part == 'score':
            return results.get('score')
        entry = results.get(self.part, {})
        if self.field in CORRUPTIONS:
            row = cell_errors(entry).get(self.field, {})
            return sum(row.values()) / len(row) if row else None
        return entry.get(self.field)

    def images(self, results: Mapping) -> int | None:
        """The number of images behind it; of ImageNet-C, in each cell.

        Args:
            results (Mapping): Content of a results.json.

        Returns:
            int | None: None where the part is absent, and of the score.
        """
        if self.part == 'score':
            return None
        return results.get(self.part, {}).get('images')

    def groups(self, results: Mapping) -> list[list[Proportion]]:
        """The weighted shares that add up to the number, by data set.

        Constants are left out; differences do not have them. A share has the
        name of its cell, such as 'v2', 'fgsm/2' or 'c/fog/3'.

        Args:
            results (Mapping): Content of a results.json that has the number.

        Returns:
            list[list[Proportion]]: The shares.
        """
        if self.part == 'score':
            summands = [(Column('', part), 1 / 4) for part in SCORE_PARTS]
            summands.append((Column('', 'c', 'mce'), -1 / 4))
            return [
                [replace(p, weight=p.weight * weight) for p in group]
                for column, weight in summands
                for group in column.groups(results)
            ]
        entry, images = results[self.part], self.images(results)
        if self.part == 'c':
            return [self._cells(cell_errors(entry), images)]
        fields = [self.field]
        if self.field == 'average':
            fields = budgets(entry)
        cells = [f'{self.part}/{field}' for field in fields]
        if self.field == 'top1':
            cells = [self.part]
        weight = 1 / len(fields)
        return [
            [
                Proportion(entry[field], images, weight, cell)
                for field, cell in zip(fields, cells, strict=True)
            ]
        ]

    def _cells(
        self, errors: Mapping[str, Mapping[int, float]], images: int
    ) -> list[Proportion]:
        names = [self.field] if self.field in CORRUPTIONS else list(errors)
        count = sum(len(errors[name]) for name in names)
        shares = []
        for name in names:
            weight = 1 / count
            if self.field == 'mce':
                weight /= ALEXNET_ERRORS[name]
            shares += [
                Proportion(error, images, weight, f'c/{name}/{severity}')
                for severity, error in errors[name].items()
            ]
        return shares


def budgets(entry: Mapping) -> list[str]:
    """The budgets of an attack.

    Args:
        entry (Mapping): The attack's part of a results.json.

    Returns:
        list[str]: Keys in 0-255 pixel values, ascending.
    """
    names = [name for name in entry if name.replace('.', '', 1).isdecimal()]
    return sorted(names, key=float)


def cell_errors(entry: Mapping) -> dict[str, dict[int, float]]:
    """The errors of the cells that were evaluated.

    Args:
        entry (Mapping): Part 'c' of a results.json.

    Returns:
        dict[str, dict[int, float]]: Errors in percent by corruption, in
        ImageNet-C's order, and severity.
    """
    table = {}
    for name in CORRUPTIONS:
        row = entry.get('per_corruption', {}).get(name, {}).get('error', [])
        errors = {
            severity: error
            for severity, error in zip(SEVERITIES, row, strict=False)
            if error is not None
        }
        if errors:
            table[name] = errors
    return table
