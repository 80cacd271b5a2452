"""The folders that archnet keeps for a user, outside any project."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_home() -> Path:
    """The folder that holds one folder for each data set."""
    folder = os.environ.get("ARCHNET_DATA")
    return Path(folder) if folder else Path(platformdirs.user_data_dir("archnet", appauthor=False))
