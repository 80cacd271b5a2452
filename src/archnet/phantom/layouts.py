"""Phantoms: folders of synthetic scans in the layout of a public data set, read by the same code as real data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError
from archnet.files.atomic import atomic_folder
from archnet.files.progress import Progress, no_progress
from archnet.phantom import luna16, mosmed
from archnet.phantom.scan import THROUGH_PLANE

PHANTOM_FILE: Final = "phantom.json"
"""File in a phantom's folder that records its parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """The parameters of a phantom.

    Attributes:
        layout: One of `LAYOUTS`.
        num_scans: Number of scans, distributed over ten subset folders or two class folders.
        num_candidates: Number of candidates per scan in LUNA16's layout; about a fifth are nodules.
        seed: Random seed.
        through_plane: Share, 0 to 1, of through-plane vessels among the candidates that are not nodules. In a single
            slice they look like nodules; the larger the share, the more a network gains from depth.
    """

    layout: str = "luna16"
    num_scans: int = 36
    num_candidates: int = 28
    seed: int = 0
    through_plane: float = THROUGH_PLANE

    def to_document(self) -> dict[str, Any]:
        """Options that determine the files, JSON-ready. The default share is omitted, as in older phantoms."""
        layout = LAYOUTS[self.layout]
        unused = set() if layout.has_candidates else {"num_candidates", "through_plane"}
        if self.through_plane == THROUGH_PLANE:
            unused.add("through_plane")
        return {"version": layout.version, **{key: value for key, value in asdict(self).items() if key not in unused}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of a public data set.

    Attributes:
        version: Increased with every change to the drawing; a phantom of a different version is not reused.
        write: Function that writes the scans and lists into a folder.
        has_candidates: Whether the number of candidates matters.
        min_scans: Minimum number of scans in a data set.
    """

    version: int
    write: Callable[[Path, Phantom, Progress], None]
    has_candidates: bool = False
    min_scans: int = 1


def _write_luna16(folder: Path, phantom: Phantom, progress: Progress) -> None:
    content = luna16.ScanContent(num_candidates=phantom.num_candidates, through_plane=phantom.through_plane)
    luna16.write_candidate_scans(folder, phantom.num_scans, content, phantom.seed, progress)


def _write_mosmed(folder: Path, phantom: Phantom, progress: Progress) -> None:
    mosmed.write_whole_scans(folder, phantom.num_scans, phantom.seed, progress)


LAYOUTS: Final[dict[str, Layout]] = {
    "luna16": Layout(version=luna16.VERSION, write=_write_luna16, has_candidates=True),
    "mosmed": Layout(version=mosmed.VERSION, write=_write_mosmed, min_scans=2 * len(mosmed.CLASSES)),
}


def write_phantom(folder: Path, phantom: Phantom, progress: Progress = no_progress) -> None:
    """Write scans and lists in the layout of a public data set, and phantom.json.

    Args:
        folder: An empty folder.
    """
    LAYOUTS[phantom.layout].write(folder, phantom, progress)
    (folder / PHANTOM_FILE).write_text(json.dumps(phantom.to_document(), indent=2) + "\n", encoding="ascii")


def generate_phantom(folder: Path, phantom: Phantom, progress: Progress = no_progress) -> None:
    """Write a phantom into a new folder, which appears only when it is complete.

    Raises:
        DataError: The folder exists and is not empty, or there are too few scans for the layout.
    """
    if phantom.num_scans < LAYOUTS[phantom.layout].min_scans:
        raise DataError(
            f"a phantom in MosMed's layout needs at least 4 scans, two of each class, got {phantom.num_scans}."
        )
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: already exists and is not empty. Use a new folder for the phantom.")
    try:
        with atomic_folder(folder) as draft:
            write_phantom(draft, phantom, progress)
    except OSError:
        if not (folder / PHANTOM_FILE).is_file():  # otherwise another process has finished the same phantom first
            raise
