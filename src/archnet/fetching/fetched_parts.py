"""The record of the parts of a data set that were fetched, in the folder of the data set.

Only recorded parts may be removed again: the folder can also hold files that the user placed there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from archnet.files.atomic import write_text
from archnet.spec.datasets import DATASETS

FETCH_RECORD: Final = ".fetched"
"""File with one fetched part on each line."""


def record_part(root: Path, target: str) -> None:
    """Add a part to the record.

    Args:
        root: The folder of the data set.
        target: The file or folder below it.
    """
    write_text(root / FETCH_RECORD, "".join(f"{name}\n" for name in sorted({*_recorded_names(root), target})))


def fetched_parts(name: str, root: Path) -> list[Path]:
    """The fetched files and folders that still exist, with the checksum files next to them; links are excluded.

    Args:
        name: The data set. Names that it does not publish are ignored, so that a damaged record names nothing else.
        root: Its folder.
    """
    recorded = _recorded_names(root)
    parts = [part for part in DATASETS[name].published if part.target in recorded]
    paths = [root / file for part in parts for file in (part.target, f"{part.archive}.sha256")]
    return [path for path in paths if path.exists() and not path.is_symlink()]


def _recorded_names(root: Path) -> set[str]:
    try:
        return set((root / FETCH_RECORD).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return set()
