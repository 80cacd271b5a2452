"""LUNA16's layout: scans in subset folders, candidates in a csv file.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.candidates import Candidates, CropGrid, read_candidates
from archnet.data.checks.findings import Finding
from archnet.data.crops import CandidateCrops
from archnet.data.dataset import Cases, positive_class
from archnet.data.patients import patient_groups
from archnet.data.scan_dataset import ScanDataset, crop_size, require_root
from archnet.errors import DataError
from archnet.files.luna16_lists import CANDIDATE_FILES
from archnet.files.progress import Progress, no_progress
from archnet.spec.experiment import Data

CLASSES = ("non-nodule", "nodule")
_SUBSET = re.compile("subset([0-9])")


class Luna16Dataset(ScanDataset):
    """Candidates of those scans that are there."""

    def __init__(self, root: Path, data: Data) -> None:
        path = _find_candidate_list(root)
        scans = find_scans(root)
        candidates = _read_list(path)
        rows = np.flatnonzero([uid in scans for uid in candidates.series])
        if not len(rows):
            raise DataError(
                f"{path}: none of its {len(candidates.series):,} candidates lies in a scan under {root}. "
                f"The first names scan {candidates.series[0]}; there is {min(scans)}."
            )
        self._candidates, self._scans = candidates.select(rows), scans
        series = self._candidates.series
        self.cases = Cases(
            ids=np.array([f"{uid}#{row}" for uid, row in zip(series, rows.tolist(), strict=True)]),
            groups=patient_groups(series, root, {*candidates.series, *scans}),
            labels=self._candidates.labels,
            classes=CLASSES,
            folds=_official_folds(series, scans),
            positive=positive_class(CLASSES, data.positive),
        )
        self.shape = crop_size(data)
        self.limits = data.window_hu
        self.findings = _find_left_out(path, candidates, len(rows), len(set(series)))
        self._source = f"{data.name} in {root}"
        self._grid = CropGrid(shape=self.shape, spacing_mm=data.spacing_mm)

    def recipe(self, rows: NDArray[np.int64]) -> CandidateCrops:
        """Crops of HU around candidates."""
        return self._candidates.select(rows).crops(self._scans, self.cases.ids[rows], self._grid, self._source)


def open_luna16(data: Data, progress: Progress = no_progress) -> Luna16Dataset:
    """LUNA16's candidates, or those of any folder in its layout.

    Raises:
        DataError: Scans or lists are missing, or a list is damaged.
    """
    return Luna16Dataset(require_root(data), data)


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


def _read_list(path: Path) -> Candidates:
    candidates = read_candidates(path)
    if not candidates.series:
        raise DataError(f"{path}: the list has no candidates. Copy it again.")
    return candidates


def _official_folds(series: Sequence[str], scans: Mapping[str, Path]) -> NDArray[np.int64] | None:
    """The number of the subset folder that each scan lies in, -1 outside them; None where no scan lies in one."""
    matches = {uid: _SUBSET.fullmatch(path.parent.name) for uid, path in scans.items()}
    numbers = {uid: int(match[1]) if match else -1 for uid, match in matches.items()}
    folds = np.array([numbers[uid] for uid in series], dtype=np.int64)
    return folds if folds.max() >= 0 else None


def _find_candidate_list(root: Path) -> Path:
    for name in CANDIDATE_FILES:
        if (root / name).is_file():
            return root / name
    names = " nor ".join(CANDIDATE_FILES)
    raise DataError(f"{root}: neither {names} is here. LUNA16 publishes both beside its scans. Copy one there.")


def _find_left_out(path: Path, candidates: Candidates, num_kept: int, num_scans: int) -> tuple[Finding, ...]:
    num_absent = len(candidates.series) - num_kept
    if not num_absent:
        return ()
    message = (
        f"{num_absent:,} of the {len(candidates.series):,} candidates in {path.name} are left out: "
        f"their scans are not there ({num_scans} are)."
    )
    return (Finding(check="left_out", severity="note", message=message),)
