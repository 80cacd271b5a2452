"""A small synthetic LUNA16: chest scans in subset folders with nodules and vessels as candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archnet.files.atomic import write_text
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
from archnet.files.progress import Progress
from archnet.imaging.metaimage import write_mhd
from archnet.imaging.volume import Volume
from archnet.phantom.body import SPACING_MM
from archnet.phantom.scan import draw_scan

# Increase it with every change to the drawing: a phantom of a different version is not reused.
VERSION = 4
# First number of the seed of each scan. A different number generates different scans.
_STREAM = 3
_NUM_SUBSETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """List entries of one scan: rows without the series uid.

    Attributes:
        candidates: x, y, z in mm, and the class.
        nodules: x, y, z of the nodule's centre and its diameter, in mm.
        excluded: The same for an excluded finding, which is neither a hit nor a false positive; its diameter is -1,
            unknown.
    """

    uid: str
    candidates: list[tuple[float, float, float, int]]
    nodules: list[tuple[float, float, float, float]]
    excluded: list[tuple[float, float, float, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanContent:
    """Content of each scan.

    Attributes:
        num_candidates: Number of candidates per scan.
        through_plane: Share of through-plane vessels among the candidates that are not nodules.
    """

    num_candidates: int
    through_plane: float


def write_candidate_scans(folder: Path, num_scans: int, content: ScanContent, seed: int, progress: Progress) -> None:
    """Write scans in subset folders, candidates.csv, and the lists for LUNA16's evaluation.

    Args:
        seed: Random seed.
    """
    numbers = progress(range(num_scans), "Generating the phantom", num_scans)
    series = [_write_series(folder, number, content, seed) for number in numbers]
    lists: dict[str, tuple[str, Callable[[Series], Sequence[tuple[float, ...]]]]] = {
        CANDIDATE_FILES[0]: (CLASS, lambda one: one.candidates),
        ANNOTATIONS_FILE: (DIAMETER, lambda one: one.nodules),
        EXCLUDED_FILE: (DIAMETER, lambda one: one.excluded),
    }
    for name, (last_column, rows_of) in lists.items():
        rows = [(one.uid, *row) for one in series for row in rows_of(one)]
        write_text(folder / name, point_rows_text(last_column, rows))
    write_text(folder / SERIES_FILE, series_text(one.uid for one in series))


def _write_series(folder: Path, number: int, content: ScanContent, seed: int) -> Series:
    """Write one scan, and return its list entries."""
    uid = f"phantom-{seed}-{number:04d}"
    rng = np.random.default_rng([_STREAM, seed, number])
    hu, candidates = draw_scan(rng, content.num_candidates, content.through_plane)
    x, y, z = (round(value, 2) for value in rng.uniform(-250, -50, 3).tolist())
    volume = Volume(hu=hu, spacing_mm=SPACING_MM, origin_mm=(x, y, z), direction=np.eye(3))
    subset = folder / f"subset{number % _NUM_SUBSETS}"
    subset.mkdir(exist_ok=True)
    write_mhd(subset / f"{uid}.mhd", volume)
    nodules = [one for one in candidates if one.kind == "nodule"]
    # As if a reader had marked a vessel; most of LUNA16's excluded findings are not nodules either.
    excluded = [one for one in candidates if one.kind == "in-plane"][:1]
    return Series(
        uid=uid,
        candidates=[(*_world_point(one.index, volume), int(one.kind == "nodule")) for one in candidates],
        nodules=[(*_world_point(one.centre, volume), round(one.diameter_mm, 3)) for one in nodules],
        excluded=[(*_world_point(one.centre, volume), -1) for one in excluded],
    )


def _world_point(index: tuple[float, float, float], volume: Volume) -> tuple[float, float, float]:
    """World point in mm, (x, y, z), of an index (z, y, x)."""
    x, y, z = (
        round(origin + step * place, 4)
        for origin, step, place in zip(volume.origin_mm, volume.spacing_mm, reversed(index), strict=True)
    )
    return x, y, z
