"""The folders that archnet keeps per user, outside any project, and the environment variables that move them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

from archnet.errors import DataError

DATA_VARIABLE: Final = "ARCHNET_DATA"
STORE_VARIABLE: Final = "ARCHNET_STORE"

LAST_ERROR_FILE: Final = "last_error.txt"
"""File in the log folder with the traceback of the last error."""

DRAFT_SUFFIX: Final = ".draft.json"
"""Ending of the files in the draft folder."""


def data_home() -> Path:
    """Return the folder that contains one subfolder per data set.

    Raises:
        DataError: The home folder of the user is unknown, and no variable names a different one.
    """
    folder = os.environ.get(DATA_VARIABLE)
    home = Path(folder) if folder else _known_folder(lambda: platformdirs.user_data_dir("archnet", appauthor=False))
    if home is None:
        raise DataError(
            f"The home folder of this user is unknown. Set ${DATA_VARIABLE} to a folder for data sets and crops."
        )
    return home


def store_home() -> Path:
    """Return the folder of all crop stores: `$ARCHNET_STORE`, or else next to the data sets.

    Raises:
        DataError: See `data_home`.
    """
    folder = os.environ.get(STORE_VARIABLE)
    return Path(folder) if folder else data_home() / "store"


def log_folder() -> Path | None:
    """Return the folder of the traceback of the last error; None if the home folder of the user is unknown."""
    return _known_folder(lambda: platformdirs.user_log_dir("archnet"))


def draft_folder() -> Path | None:
    """Return the folder of unsaved texts of `archnet studio`; None if the home folder of the user is unknown."""
    folder = _known_folder(lambda: platformdirs.user_state_dir("archnet", appauthor=False))
    return folder and folder / "drafts"


def _known_folder(find: Callable[[], str]) -> Path | None:
    """Return a folder in the user's home folder; None if that is unknown, as for a user id without a name."""
    try:
        folder = Path(find())
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None  # older versions of platformdirs do not expand "~"
