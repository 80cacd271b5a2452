"""`phantom`: a small synthetic LUNA16, generated on the spot, then read by the same code as the real one.

With `layout` "mosmed" whole scans are written instead, see `phantom_mosmed`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archnet.errors import DataError
from archnet.files.atomic import atomic_folder, write_text
from archnet.files.luna16_lists import (
    ANNOTATIONS_FILE,
    CANDIDATE_FILES,
    CLASS,
    DIAMETER,
    EXCLUDED_FILE,
    SERIES_FILE,
    point_rows_text,
    series_text,
)
from archnet.files.progress import Progress, silent
from archnet.imaging.metaimage import write_mhd
from archnet.imaging.volume import Volume
from archnet.phantom import mosmed as phantom_mosmed
from archnet.phantom.body import SPACING_MM
from archnet.phantom.scan import draw_scan

# Raise it with every change to what is drawn: a phantom of another version is not used again.
_VERSION = 3
_NUM_SUBSETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """What decides a phantom.

    Attributes:
        layout: One of `LAYOUTS`.
        num_scans: Scans, dealt to ten subset folders, or to two class folders.
        num_candidates: Of each scan in LUNA16's layout; about a fifth are nodules.
        seed: Of everything drawn.
    """

    layout: str = "luna16"
    num_scans: int = 36
    num_candidates: int = 28
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the lists say about one scan: rows without their series uid.

    Attributes:
        candidates: x, y, z in mm and the class.
        nodules: x, y, z of the nodule's centre and its diameter, in mm.
        excluded: The same of a finding that counts neither way; its diameter is -1, unknown.
    """

    uid: str
    candidates: list[tuple[float, float, float, int]]
    nodules: list[tuple[float, float, float, float]]
    excluded: list[tuple[float, float, float, int]]


def write_phantom(folder: Path, phantom: Phantom, progress: Progress = silent) -> None:
    """Writes scans and lists in the layout of a public data set, and phantom.json.

    Args:
        folder: An empty folder.
    """
    LAYOUTS[phantom.layout](folder, phantom, progress)
    (folder / "phantom.json").write_text(json.dumps(_phantom_document(phantom), indent=2) + "\n", encoding="ascii")


def _write_luna16(folder: Path, phantom: Phantom, progress: Progress) -> None:
    """Scans in subset folders, candidates.csv, and the lists that LUNA16's evaluation reads."""
    numbers = progress(range(phantom.num_scans), "Generating the phantom", phantom.num_scans)
    series = [_write_series(folder, phantom, number) for number in numbers]
    lists: dict[str, tuple[str, Callable[[Series], Sequence[tuple[float, ...]]]]] = {
        CANDIDATE_FILES[0]: (CLASS, lambda one: one.candidates),
        ANNOTATIONS_FILE: (DIAMETER, lambda one: one.nodules),
        EXCLUDED_FILE: (DIAMETER, lambda one: one.excluded),
    }
    for name, (last_column, rows_of) in lists.items():
        rows = [(one.uid, *row) for one in series for row in rows_of(one)]
        write_text(folder / name, point_rows_text(last_column, rows))
    write_text(folder / SERIES_FILE, series_text(one.uid for one in series))


def _write_series(folder: Path, phantom: Phantom, number: int) -> Series:
    """One scan and what the lists say about it."""
    uid = f"phantom-{phantom.seed}-{number:04d}"
    rng = np.random.default_rng([_VERSION, phantom.seed, number])
    hu, candidates = draw_scan(rng, phantom.num_candidates)
    x, y, z = (round(value, 2) for value in rng.uniform(-250, -50, 3).tolist())
    volume = Volume(hu=hu, spacing_mm=SPACING_MM, origin_mm=(x, y, z), direction=np.eye(3))
    subset = folder / f"subset{number % _NUM_SUBSETS}"
    subset.mkdir(exist_ok=True)
    write_mhd(subset / f"{uid}.mhd", volume)
    nodules = [one for one in candidates if one.kind == "nodule"]
    # As if a reader had marked a vessel; most of LUNA16's excluded findings are no nodules either.
    excluded = [one for one in candidates if one.kind == "in-plane"][:1]
    return Series(
        uid=uid,
        candidates=[(*_world_point(one.index, volume), int(one.kind == "nodule")) for one in candidates],
        nodules=[(*_world_point(one.centre, volume), round(one.diameter_mm, 3)) for one in nodules],
        excluded=[(*_world_point(one.centre, volume), -1) for one in excluded],
    )


def _write_mosmed(folder: Path, phantom: Phantom, progress: Progress) -> None:
    phantom_mosmed.write_whole_scans(folder, phantom.num_scans, phantom.seed, progress)


LAYOUTS: dict[str, Callable[[Path, Phantom, Progress], None]] = {"luna16": _write_luna16, "mosmed": _write_mosmed}


def _phantom_document(phantom: Phantom) -> dict[str, Any]:
    """Everything that decides a phantom's files."""
    if phantom.layout == "luna16":
        return {"version": _VERSION, **asdict(phantom)}
    values = {key: value for key, value in asdict(phantom).items() if key != "num_candidates"}
    return {"version": phantom_mosmed.VERSION, **values}


def generate_phantom(folder: Path, phantom: Phantom, progress: Progress = silent) -> None:
    """Writes a phantom into a new folder, which appears whole or not at all.

    Raises:
        DataError: The folder is there and holds something else, or the scans are too few for the layout.
    """
    if phantom.layout == "mosmed" and phantom.num_scans < 2 * len(phantom_mosmed.CLASSES):
        raise DataError(
            f"a phantom in MosMed's layout needs at least 4 scans, two of each class, got {phantom.num_scans}."
        )
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: already there and not empty. Name a new folder for the phantom.")
    try:
        with atomic_folder(folder) as draft:
            write_phantom(draft, phantom, progress)
    except OSError:
        if not (folder / "phantom.json").is_file():  # else another process has finished the same phantom first
            raise


def _world_point(index: tuple[float, float, float], volume: Volume) -> tuple[float, float, float]:
    """The place in mm, (x, y, z), of an index (z, y, x)."""
    x, y, z = (
        round(origin + step * place, 4)
        for origin, step, place in zip(volume.origin_mm, volume.spacing_mm, reversed(index), strict=True)
    )
    return x, y, z
