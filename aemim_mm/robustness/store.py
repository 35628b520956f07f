# Copyright (c) aemim_mm contributors. All rights reserved.
"""The files of finished cells."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.storage import put_arrays, put_json, read_arrays
from .cells import Cell
from .sources import Survey

# Raise it where what is computed changes; older files then count no more.
FORMAT = 2


class CellStore:
    """Finished cells of any number of models and settings in one folder.

    A cell is a JSON file, for people, and a file of the same name with the
    images' results (``npz``). Its name ends with a checksum of the model, the
    data and the settings. So a cell of other ones is never taken for this
    one, and comes back to use with them.

    Args:
        folder (str | Path): The folder. It need not exist.
        context (Mapping): What all cells of the run depend on: the model, the
            size of images.
        surveys (Mapping[str, Survey]): The data, by the sources' names.
        batches (Mapping, optional): Size of the batches and number of
            processes, for attacks that depend on them. Defaults to None.
    """

    def __init__(
        self,
        folder: str | Path,
        context: Mapping[str, Any],
        surveys: Mapping[str, Survey],
        batches: Mapping[str, int] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.context = dict(context)
        self.surveys = surveys
        self.batches = dict(batches or {})

    def fingerprint(self, cell: Cell) -> dict[str, Any]:
        """All that the results of a cell depend on.

        Args:
            cell (Cell): The cell.

        Returns:
            dict[str, Any]: What JSON can hold.
        """
        survey = self.surveys[cell.source.name]
        return dict(
            format=FORMAT,
            **self.context,
            folder=survey.folder,
            data=survey.sha256,
            **cell.settings(),
            **(self.batches if cell.by_batch else {}),
        )

    def path(self, cell: Cell) -> Path:
        """The cell's JSON file.

        Args:
            cell (Cell): The cell.

        Returns:
            Path: ``FOLDER/<name>-<checksum>.json``.
        """
        text = json.dumps(self.fingerprint(cell), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f'{cell.name}-{digest}.json'

    def finished(self, cell: Cell) -> bool:
        """Whether a cell's results are there.

        Args:
            cell (Cell): The cell.

        Returns:
            bool: Whether both files are there and can be read.
        """
        try:
            with open(self.path(cell), encoding='utf-8') as file:
                saved = json.load(file)
            self.read(cell)
        except (OSError, ValueError):
            return False
        return saved.get('fingerprint') == self.fingerprint(cell)

    def write(
        self, cell: Cell, arrays: Mapping[str, np.ndarray], seconds: float
    ) -> None:
        """Write a finished cell; in the main process only.

        Args:
            cell (Cell): The cell.
            arrays (Mapping[str, np.ndarray]): ``index``, the images' places
                in the source, and ``correct`` (1, 0, or -1 for an image that
                does not count) or ``epsilon`` (the minimal budget), each
                (N, ).
            seconds (float): How long it took.
        """
        path = self.path(cell)
        put_arrays(arrays, path.with_suffix('.npz'))
        content = dict(
            cell=cell.name,
            images=len(arrays['index']),
            seconds=round(seconds, 1),
            fingerprint=self.fingerprint(cell),
        )
        if 'correct' in arrays:
            content['correct'] = int((arrays['correct'] == 1).sum())
            content['counted'] = int((arrays['correct'] >= 0).sum())
        # The last one: where it is, the other is, too.
        put_json(content, path)

    def read(self, cell: Cell) -> dict[str, np.ndarray]:
        """The images' results of a finished cell.

        Args:
            cell (Cell): The cell.

        Returns:
            dict[str, np.ndarray]: What was written.

        Raises:
            FileNotFoundError: If it is not finished.
            ValueError: If the file is damaged.
        """
        return read_arrays(self.path(cell).with_suffix('.npz'))
