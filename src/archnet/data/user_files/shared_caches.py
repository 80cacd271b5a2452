"""Caches and logs that archnet's libraries write into folders that they share with other programs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from archnet.files.disk import bytes_on_disk


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCache:
    """A folder that other programs use as well, so that archnet never removes it.

    Attributes:
        path: The folder.
        num_bytes: Bytes on disk.
        description: Its owner and content.
    """

    path: Path
    num_bytes: int
    description: str


def list_shared_caches() -> tuple[SharedCache, ...]:
    """The shared folders that exist."""
    found = []
    for find, description in (
        (_matplotlib_folder, "Matplotlib: list of fonts"),
        (_keras_folder, "Keras: configuration and downloads"),
        (_ray_folder, "Ray: logs of sweeps"),
        (_cuda_folder, "CUDA: compiled kernels"),
    ):
        with suppress(RuntimeError):  # the home folder is unknown
            path = find()
            if path.is_dir():
                found.append(SharedCache(path=path, num_bytes=bytes_on_disk(path), description=description))
    return tuple(found)


def _matplotlib_folder() -> Path:
    if folder := os.environ.get("MPLCONFIGDIR"):
        return Path(folder)
    if sys.platform.startswith(("linux", "freebsd")):
        return _named_folder("XDG_CACHE_HOME", lambda: Path.home() / ".cache") / "matplotlib"
    return Path.home() / ".matplotlib"


def _keras_folder() -> Path:
    return _named_folder("KERAS_HOME", lambda: Path.home() / ".keras")


def _ray_folder() -> Path:
    if folder := os.environ.get("RAY_TMPDIR"):
        return Path(folder) / "ray"
    default = Path("/tmp") if sys.platform == "darwin" else Path(tempfile.gettempdir())
    return default / "ray"


def _cuda_folder() -> Path:
    return _named_folder("CUDA_CACHE_PATH", lambda: Path.home() / ".nv" / "ComputeCache")


def _named_folder(variable: str, default: Callable[[], Path]) -> Path:
    folder = os.environ.get(variable)
    return Path(folder) if folder else default()
