"""Space on a disk: free, used by files, and as text."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    return shutil.disk_usage(existing).free


def bytes_on_disk(path: Path) -> int:
    """The bytes that a file, or a folder with everything in it, occupies. Links are not followed.

    Parts of a file that were never written occupy nothing, and files that vanish meanwhile are not counted.
    """
    paths = [path]
    if path.is_dir() and not path.is_symlink():
        paths = [Path(parent, name) for parent, _, names in os.walk(path) for name in names]
    return sum(map(_file_bytes, paths))


def _file_bytes(path: Path) -> int:
    with suppress(OSError):
        stat = path.lstat()
        return min(stat.st_size, getattr(stat, "st_blocks", stat.st_size) * 512)
    return 0


def format_bytes(count: int) -> str:
    """Format a number of bytes with a unit.

    >>> format_bytes(6_812_000_000), format_bytes(999)
    ('6.8 GB', '999 bytes')
    """
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
