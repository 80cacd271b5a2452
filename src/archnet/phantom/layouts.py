"""Phantoms: a folder of generated scans in the layout of a public data set, read by the same code as the real one."""

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
"""What a phantom's folder says about how it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """What decides a phantom.

    Attributes:
        layout: One of `LAYOUTS`.
        num_scans: Scans, dealt to ten subset folders, or to two class folders.
        num_candidates: Candidates of each scan in LUNA16's layout; about a fifth are nodules.
        seed: Seed of everything drawn.
        through_plane: Share, 0 to 1, of through-plane vessels among the candidates that are not nodules. In one
            slice they look like nodules; the larger the share, the more a network gains from depth.
    """

    layout: str = "luna16"
    num_scans: int = 36
    num_candidates: int = 28
    seed: int = 0
    through_plane: float = THROUGH_PLANE

    def to_document(self) -> dict[str, Any]:
        """All options that determine the files, JSON-ready. The default share is omitted, as in older phantoms."""
        layout = LAYOUTS[self.layout]
        unused = set() if layout.has_candidates else {"num_candidates", "through_plane"}
        if self.through_plane == THROUGH_PLANE:
            unused.add("through_plane")
        return {"version": layout.version, **{key: value for key, value in asdict(self).items() if key not in unused}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of a public data set.

    Attributes:
        version: Raised with every change to what is drawn; a phantom of another version is not used again.
        write: Writes the scans and lists into a folder.
        has_candidates: Whether the number of candidates matters.
        min_scans: The fewest scans that make a data set.
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
    """Writes scans and lists in the layout of a public data set, and phantom.json.

    Args:
        folder: An empty folder.
    """
    LAYOUTS[phantom.layout].write(folder, phantom, progress)
    (folder / PHANTOM_FILE).write_text(json.dumps(phantom.to_document(), indent=2) + "\n", encoding="ascii")


def generate_phantom(folder: Path, phantom: Phantom, progress: Progress = no_progress) -> None:
    """Writes a phantom into a new folder, which appears whole or not at all.

    Raises:
        DataError: The folder exists and is not empty, or the scans are too few for the layout.
    """
    if phantom.num_scans < LAYOUTS[phantom.layout].min_scans:
        raise DataError(
            f"a phantom in MosMed's layout needs at least 4 scans, two of each class, got {phantom.num_scans}."
        )
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: already there and not empty. Name a new folder for the phantom.")
    try:
        with atomic_folder(folder) as draft:
            write_phantom(draft, phantom, progress)
    except OSError:
        if not (folder / PHANTOM_FILE).is_file():  # else another process has finished the same phantom first
            raise
