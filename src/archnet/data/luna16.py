"""LUNA16's layout: scans in subset folders, candidates in a csv file.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.crops import CandidateCrops
from archnet.data.dataset import Cases, positive_class
from archnet.data.patients import patient_groups
from archnet.data.root import require_root
from archnet.data.scan_dataset import ScanDataset
from archnet.errors import DataError
from archnet.files.csv_rows import excerpt, read_rows
from archnet.files.progress import Progress, silent
from archnet.spec.experiment import Data

CLASSES = ("non-nodule", "nodule")
_LISTS = ("candidates.csv", "candidates_V2.csv")
_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "class")
_DEFAULT_SIZE = (64, 64, 10)
_SUBSET = re.compile("subset([0-9])")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """A candidate list, one entry a data row.

    Attributes:
        series: Series uid of each.
        points_mm: (n, 3) world positions (x, y, z), LPS.
        labels: 1 is a nodule.
        lines: Line in the file, from 1.
    """

    series: list[str]
    points_mm: NDArray[np.float64]
    labels: NDArray[np.int64]
    lines: list[int]


class Luna16Dataset(ScanDataset):
    """Candidates of those scans that are there."""

    def __init__(self, root: Path, data: Data) -> None:
        path = _find_candidate_list(root)
        scans = find_scans(root)
        candidates = read_candidates(path)
        rows = np.flatnonzero([uid in scans for uid in candidates.series])
        if not len(rows):
            raise DataError(
                f"{path}: none of its {len(candidates.series):,} candidates lies in a scan under {root}. "
                f"The first names scan {candidates.series[0]}; there is {min(scans)}."
            )
        series = [candidates.series[row] for row in rows]
        self.cases = Cases(
            ids=np.array([f"{uid}#{row}" for uid, row in zip(series, rows.tolist(), strict=True)]),
            groups=patient_groups(series, root, {*candidates.series, *scans}),
            labels=candidates.labels[rows],
            classes=CLASSES,
            folds=_official_folds(series, scans),
            positive=positive_class(CLASSES, data.positive),
        )
        height, width, depth = data.crop_size or _DEFAULT_SIZE
        self.shape: tuple[int, int, int] = (height, width, depth)
        self.limits = data.window_hu
        self.notes = _notes(path, candidates, len(rows), len(set(series)))
        self._source = f"{data.name} in {root}"
        self._spacing_mm = data.spacing_mm
        self._scans = [scans[uid] for uid in series]
        self._points_mm = candidates.points_mm[rows]
        self._path, self._lines = path, np.array(candidates.lines)[rows]

    def recipe(self, rows: NDArray[np.int64]) -> CandidateCrops:
        """Crops of HU around candidates."""
        return CandidateCrops(
            source=self._source,
            ids=self.cases.ids[rows],
            scan_of_row=[self._scans[row] for row in rows],
            points_mm=self._points_mm[rows],
            location=lambda row: f"{self._path} line {self._lines[rows[row]]}",
            shape=self.shape,
            spacing_mm=self._spacing_mm,
        )


def open_luna16(data: Data, progress: Progress = silent) -> Luna16Dataset:
    """LUNA16's candidates, or those of any folder in its layout.

    Raises:
        DataError: Scans or lists are missing, or a list is damaged.
    """
    root = require_root(data, "subset0 to subset9 (any number of them) with .mhd scans, and candidates.csv")
    return Luna16Dataset(root, data)


def find_scans(root: Path) -> dict[str, Path]:
    """The .mhd files of a folder and its subset folders, by series uid.

    Raises:
        DataError: There are none, or one series is there twice.
    """
    scans: dict[str, Path] = {}
    for path in sorted([*root.glob("*.mhd"), *root.glob("subset*/*.mhd")]):
        if path.stem in scans:
            raise DataError(f"{path}: the same scan also lies at {scans[path.stem]}. Remove one of them.")
        scans[path.stem] = path
    if not scans:
        raise DataError(f"{root}: no .mhd scans here or in subset0 to subset9. Unpack at least one subset there.")
    return scans


def read_candidates(path: Path) -> Candidates:
    """A candidates file, every row checked.

    Raises:
        DataError: A column is missing, or a value is not what its column holds.
    """
    rows = list(_parse_rows(path))
    if not rows:
        raise DataError(f"{path}: the list has no candidates. Copy it again.")
    series, x, y, z, labels, lines = zip(*rows, strict=True)
    return Candidates(
        series=list(series),
        points_mm=np.array([x, y, z], dtype=np.float64).T.copy(),
        labels=np.array(labels, dtype=np.int64),
        lines=list(lines),
    )


def _parse_rows(path: Path) -> Iterator[tuple[str, float, float, float, int, int]]:
    for line, values in read_rows(path, _COLUMNS):
        uid, x, y, z, label = values
        try:
            point = (float(x), float(y), float(z))
        except ValueError:
            raise DataError(f"{path} line {line}: expected {', '.join(_COLUMNS)}, got {excerpt(values)}.") from None
        if not all(math.isfinite(value) for value in point):
            raise DataError(f"{path} line {line}: a position must be three numbers in mm, got {x}, {y}, {z}.")
        if label not in ("0", "1"):
            raise DataError(f'{path} line {line}: class must be 0 or 1 (nodule), got "{label}".')
        yield uid, *point, int(label), line


def _official_folds(series: Sequence[str], scans: Mapping[str, Path]) -> NDArray[np.int64] | None:
    """The number of the subset folder that each scan lies in, -1 outside them; None where no scan lies in one."""
    matches = {uid: _SUBSET.fullmatch(path.parent.name) for uid, path in scans.items()}
    numbers = {uid: int(match[1]) if match else -1 for uid, match in matches.items()}
    folds = np.array([numbers[uid] for uid in series], dtype=np.int64)
    return folds if folds.max() >= 0 else None


def _find_candidate_list(root: Path) -> Path:
    for name in _LISTS:
        if (root / name).is_file():
            return root / name
    names = " nor ".join(_LISTS)
    raise DataError(f"{root}: neither {names} is here. LUNA16 publishes both beside its scans. Copy one there.")


def _notes(path: Path, candidates: Candidates, num_kept: int, num_scans: int) -> tuple[str, ...]:
    num_absent = len(candidates.series) - num_kept
    if not num_absent:
        return ()
    return (
        f"{num_absent:,} of the {len(candidates.series):,} candidates in {path.name} are left out: "
        f"their scans are not there ({num_scans} are).",
    )
