# Copyright (c) aemim_mm contributors. All rights reserved.
"""The parts of the suite, their settings and their data."""

import os.path as osp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES
from aemim_mm_cli.imagenet_variants import VARIANTS
from aemim_mm_cli.robustness_arguments import (
    ATTACKS,
    DEFAULT_PARTS,
    EPSILONS,
    PARTS,
)

from ..attacks.auto_attack import require_pyautoattack
from .sources import ImageSource


@dataclass(frozen=True)
class SuiteOptions:
    """What is evaluated on what.

    Attributes:
        data_root (str): The folder of the data sets' folders.
        parts (Sequence[str]): Some of ``PARTS``. Defaults to
            ``DEFAULT_PARTS``.
        folders (Mapping[str, str]): Other places of data sets, by the names
            of ``VARIANTS``. Defaults to none.
        class_file (str, optional): File of another label space than
            ImageNet-1K's, one folder name per line. Defaults to None.
        attack_list (str): File of lines ``path label``: the validation images
            that are attacked. Defaults to '', which means all.
        corruptions (Sequence[str]): Of ImageNet-C. Defaults to all 15.
        severities (Sequence[int]): Of ImageNet-C. Defaults to 1 to 5.
        epsilons (Sequence[float]): Budgets of FGSM, PGD and AutoAttack, in
            0-255 pixel values. Defaults to 0, 1, 2, 4, 8.
        seed (int): Of PGD's starts and of AutoAttack. Defaults to 0.
        all_classes (bool): Whether accuracies of A and R over all 1000
            classes are reported, too. Defaults to False.

    Raises:
        ValueError: If a part is unknown or does not go with ``class_file``, a
            budget is outside 0 to 255 or the seed is negative.
        ImportError: If AutoAttack is asked for and not installed.
    """

    data_root: str
    parts: Sequence[str] = DEFAULT_PARTS
    folders: Mapping[str, str] = field(default_factory=dict)
    class_file: str | None = None
    attack_list: str = ''
    corruptions: Sequence[str] = CORRUPTIONS
    severities: Sequence[int] = SEVERITIES
    epsilons: Sequence[float] = EPSILONS
    seed: int = 0
    all_classes: bool = False

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            raise ValueError(
                f'the suite has the parts {", ".join(PARTS)}, but was asked '
                f'for {", ".join(unknown) or "none"}'
            )
        if self.class_file is not None and 'real' in self.parts:
            raise ValueError(
                'the labels of ImageNet-ReaL are classes of ImageNet-1K: '
                'leave the part real out where there is a class file'
            )
        if not all(0 <= epsilon <= 255 for epsilon in self.epsilons):
            raise ValueError(
                f'epsilons are {list(self.epsilons)}, but must be pixel '
                'values from 0 to 255'
            )
        names = [f'{epsilon:g}' for epsilon in self.epsilons]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f'epsilons are {list(self.epsilons)}, but must be at least '
                'one, and each only once, in six digits'
            )
        if any('e' in name for name in names):
            raise ValueError(
                f'epsilons are {list(self.epsilons)}, but must be 0 or at '
                'least 0.0001'
            )
        if self.seed < 0:
            raise ValueError(f'the seed is {self.seed}, but must be >= 0')
        if 'autoattack' in self.parts:
            require_pyautoattack()

    def folder(self, variant: str) -> str:
        """Where a data set lies.

        Args:
            variant (str): One of ``VARIANTS``.

        Returns:
            str: Its folder.
        """
        default = osp.join(self.data_root, VARIANTS[variant].folder)
        return self.folders.get(variant, default)

    def source(self, part: str) -> ImageSource:
        """The images of a part other than 'c'.

        Args:
            part (str): One of ``PARTS``.

        Returns:
            ImageSource: Its images. The validation images are one source,
            whatever is measured on them.
        """
        variant = 'imagenet' if part in (*ATTACKS, 'real') else part
        name, ann_file = variant, ''
        if part in ATTACKS and self.attack_list:
            name, ann_file = 'attacks', osp.abspath(self.attack_list)
        root = self.folder(variant)
        return ImageSource(name, variant, root, ann_file, self.class_file)

    def cells_of_c(self) -> list[ImageSource]:
        """The corruptions and severities of ImageNet-C.

        Returns:
            list[ImageSource]: In ImageNet-C's order.
        """
        return [
            ImageSource(
                f'c/{corruption}/{severity}',
                'c',
                osp.join(self.folder('c'), corruption, str(severity)),
                class_file=self.class_file,
            )
            for corruption in CORRUPTIONS
            if corruption in self.corruptions
            for severity in SEVERITIES
            if severity in self.severities
        ]

    def sources(self) -> list[ImageSource]:
        """All data sets that are needed.

        Returns:
            list[ImageSource]: Each once.
        """
        found = {}
        for part in PARTS:
            if part in self.parts:
                needed = (
                    self.cells_of_c() if part == 'c' else [self.source(part)]
                )
                found.update({source.name: source for source in needed})
        return list(found.values())
