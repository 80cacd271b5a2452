"""Where data are: `data.root`, else `$ARCHNET_DATA/<name>`, else the user's data folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from archnet.errors import DataError
from archnet.spec.experiment import Data


def home() -> Path:
    """The folder that holds one folder for each data set."""
    given = os.environ.get("ARCHNET_DATA")
    return Path(given) if given else Path(platformdirs.user_data_dir("archnet", appauthor=False))


def existing_root(data: Data, expected: str) -> Path:
    """The folder of a data set that must be there already.

    Args:
        expected: What the folder should hold, for the message.

    Raises:
        DataError: It is not there.
    """
    root = Path(data.root) if data.root is not None else home() / data.name
    if root.is_dir():
        return root
    looked = (
        ""
        if data.root is not None
        else " (no --root was given" + (")" if "ARCHNET_DATA" in os.environ else " and $ARCHNET_DATA is not set)")
    )
    raise DataError(
        f"{root}: there is no such folder{looked}. {data.name} needs {expected}; name its folder with --root FOLDER."
    )
