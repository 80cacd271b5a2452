"""A data set whose cases are cut from scans: through the store, or one at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Crops, Dataset
from archnet.data.recipe import Recipe
from archnet.data.store import open_crops, store_state
from archnet.files.progress import Progress, silent
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Data


def crop_size(data: Data) -> tuple[int, int, int]:
    """The voxels of a case, (height, width, depth): as the options say, else the data set's default."""
    height, width, depth = data.crop_size or DATASETS[data.name].defaults["crop_size"]
    return height, width, depth


class ScanDataset(Dataset):
    """Cases that lie in scans."""

    shape: tuple[int, int, int]

    @abstractmethod
    def recipe(self, rows: NDArray[np.int64]) -> Recipe:
        """How the arrays of some cases are cut."""

    def crops(self, rows: NDArray[np.int64], progress: Progress = silent) -> Crops:
        return open_crops(self.recipe(rows), progress)

    def store_summary(self, rows: NDArray[np.int64]) -> str:
        return store_state(self.recipe(rows)).summary()

    def scans(self, rows: NDArray[np.int64]) -> Sequence[Path]:
        return self.recipe(rows).scans

    def crop(self, row: int) -> NDArray[Any]:
        recipe = self.recipe(np.array([row], np.int64))
        _, values = next(recipe.cut(0))
        case: NDArray[Any] = values[0]
        return case
