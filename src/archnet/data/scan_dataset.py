"""Data sets whose cases are extracted from scans: the folder, and crops from the store or one at a time.

The folder is `data.root`, or else `$ARCHNET_DATA/<name>`, or else in the user's data folder.
"""

from __future__ import annotations

import os
import shlex
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Crops, Dataset
from archnet.data.recipe import Recipe
from archnet.data.store import open_crops, store_state
from archnet.errors import DataError
from archnet.files.path_argument import short_path
from archnet.files.progress import Progress, no_progress
from archnet.files.user_folders import DATA_VARIABLE, data_home
from archnet.imaging import CasePlacement
from archnet.spec.datasets import DATASETS, WORK_FOLDER, command_arguments
from archnet.spec.experiment import Data


def crop_size(data: Data) -> tuple[int, int, int]:
    """Number of voxels of a case, (height, width, depth), from the options, or else the default of the data set."""
    height, width, depth = data.crop_size or DATASETS[data.name].defaults["crop_size"]
    return height, width, depth


class ScanDataset(Dataset):
    """Cases inside scans."""

    shape: tuple[int, int, int]

    @abstractmethod
    def recipe(self, rows: NDArray[np.int64]) -> Recipe:
        """The recipe for extracting the arrays of cases."""

    def crops(self, rows: NDArray[np.int64], progress: Progress = no_progress) -> Crops:
        return open_crops(self.recipe(rows), progress)

    def place(self, rows: NDArray[np.int64]) -> list[CasePlacement | None]:
        return self.recipe(rows).place_rows()

    def store_summary(self, rows: NDArray[np.int64]) -> str:
        return store_state(self.recipe(rows)).summary()

    def crop(self, row: int) -> NDArray[Any]:
        recipe = self.recipe(np.array([row], np.int64))
        _, values = next(recipe.cut(0))
        case: NDArray[Any] = values[0]
        return case


def require_root(data: Data) -> Path:
    """Return the folder of a data set, which must exist.

    Raises:
        DataError: The folder does not exist.
    """
    root = short_path(data.root) if data.root is not None else data_home() / data.name
    if root.is_dir():
        return root
    needs = f"{data.name} needs {DATASETS[data.name].layout}. Name its folder with --root FOLDER"
    if root.exists():
        raise DataError(f"{root}: this is a file, not a folder. {needs}.")
    raise DataError(f"{root}: there is no such folder{_search_note(data)}. {needs}{_fetch_hint(data)}.")


def _search_note(data: Data) -> str:
    """Explain why the data set was searched there."""
    if data.root is not None:
        return ""
    return f" (no --root was given{'' if os.environ.get(DATA_VARIABLE) else f' and ${DATA_VARIABLE} is not set'})"


def unfinished_fetch_hint(data: Data) -> str:
    """Advice on resuming a fetch that left downloads in the folder of a data set; empty if none did."""
    root = short_path(data.root) if data.root is not None else data_home() / data.name
    if not DATASETS[data.name].published or not (root / WORK_FOLDER).is_dir():
        return ""
    command = f"archnet data fetch {command_arguments(data.name, data.root)}"
    return f" A fetch into this folder is incomplete. Resume it: {command}"


def _fetch_hint(data: Data) -> str:
    if not DATASETS[data.name].published:
        return ""
    root = "" if data.root is None else f" --root {shlex.quote(str(short_path(data.root)))}"
    return f", or fetch it: archnet data fetch {data.name}{root}"
