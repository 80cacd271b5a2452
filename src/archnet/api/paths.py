"""Path arguments of the Python functions: one or several strings, paths or runs."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

Paths = PathLike[str] | str | Sequence[PathLike[str] | str]
"""One path or several; a `Run` is a path to its folder."""


def as_paths(paths: Paths) -> list[Path]:
    """The paths as a list.

    >>> as_paths("runs/a") == as_paths([Path("runs/a")])
    True
    """
    return [Path(paths)] if isinstance(paths, str | PathLike) else [Path(path) for path in paths]
