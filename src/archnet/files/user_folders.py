"""The folders that archnet keeps for a user, outside any project, and the variables that move them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import platformdirs

DATA_VARIABLE: Final = "ARCHNET_DATA"
STORE_VARIABLE: Final = "ARCHNET_STORE"


def data_home() -> Path:
    """The folder that holds one folder for each data set."""
    folder = os.environ.get(DATA_VARIABLE)
    return Path(folder) if folder else Path(platformdirs.user_data_dir("archnet", appauthor=False))


def store_home() -> Path:
    """The folder of all crop stores: `$ARCHNET_STORE`, else beside the data sets."""
    folder = os.environ.get(STORE_VARIABLE)
    return Path(folder) if folder else data_home() / "store"
