"""List arguments of the Python functions: one or several paths, runs or names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path

from archnet.errors import DocumentError
from archnet.files.path_argument import path_argument

Paths = PathLike[str] | str | Sequence[PathLike[str] | str]
"""One path or several; a `Run` is a path to its folder."""


def as_paths(paths: Paths, name: str) -> list[Path]:
    """The paths as a list.

    >>> as_paths("runs/a", "runs") == as_paths([Path("runs/a")], "runs")
    True

    Args:
        paths: The argument.
        name: Its name, for messages.

    Raises:
        DataError: One of them is not a path.
    """
    if isinstance(paths, str | bytes | PathLike | Mapping) or not isinstance(paths, Iterable):
        return [path_argument(paths, name)]
    return [path_argument(path, name) for path in paths]


def check_list(allow: Sequence[str]) -> list[str]:
    """The names of data checks as a list.

    Raises:
        DocumentError: One of them is not a name.
    """
    if isinstance(allow, str) or not isinstance(allow, Iterable) or not all(isinstance(name, str) for name in allow):
        raise DocumentError(f'allow={allow!r}: expected names of data checks, such as allow=["near_duplicates"].')
    return list(allow)
