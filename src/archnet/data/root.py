"""Where data are: `data.root`, else `$ARCHNET_DATA/<name>`, else the user's data folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from archnet.errors import DataError
from archnet.files.user_folders import DATA_VARIABLE, data_home
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Data


def require_root(data: Data) -> Path:
    """The folder of a data set that must exist already.

    Raises:
        DataError: The folder does not exist.
    """
    root = Path(data.root) if data.root is not None else data_home() / data.name
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


def _fetch_hint(data: Data) -> str:
    if not DATASETS[data.name].published:
        return ""
    root = "" if data.root is None else f" --root {shlex.quote(data.root)}"
    return f", or fetch it: archnet data fetch {data.name}{root}"
