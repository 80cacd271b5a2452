"""The SHA-256 of files: read in chunks, and once for each state of a file."""

from __future__ import annotations

import hashlib
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

_SETTLED_NS: Final = 2_000_000_000
"""Age from which the modification time distinguishes states of a file on every file system."""


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits.

    A file is read once by a process as long as its size and time of modification are the same.
    """
    status = path.stat()
    if time.time_ns() - status.st_mtime_ns < _SETTLED_NS:
        return _read_sha256(path)
    return _settled_sha256(path.resolve(), status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _settled_sha256(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    return _read_sha256(path)


def _read_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
