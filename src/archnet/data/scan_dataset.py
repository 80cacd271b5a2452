"""Data sets whose cases are cut from scans: their folder, and their crops through the store or one at a time.

The folder is `data.root`, else `$ARCHNET_DATA/<name>`, else in the user's data folder.
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
    """The voxels of a case, (height, width, depth): as the options say, else the data set's default."""
    height, width, depth = data.crop_size or DATASETS[data.name].defaults["crop_size"]
    return height, width, depth


class ScanDataset(Dataset):
    """Cases that lie in scans."""

    shape: tuple[int, int, int]

    @abstractmethod
    def recipe(self, rows: NDArray[np.int64]) -> Recipe:
        """How the arrays of some cases are cut."""

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
    """The folder of a data set that must exist already.

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
    """Why it was looked for there."""
    if data.root is not None:
        return ""
    return f" (no --root was given{'' if os.environ.get(DATA_VARIABLE) else f' and ${DATA_VARIABLE} is not set'})"


def unfinished_fetch_hint(data: Data) -> str:
    """How to resume a fetch that left downloads in the folder of a data set; empty if none did."""
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
