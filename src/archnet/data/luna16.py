"""The layout of LUNA16: scans in subset folders, candidates in a csv file.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.attributes.nodule_list import hit_diameters, hit_nodules, read_nodule_list
from archnet.data.attributes.patients import patient_groups
from archnet.data.candidates import Candidates, CropGrid, read_candidates
from archnet.data.checks.findings import Finding
from archnet.data.checks.left_out import find_left_out
from archnet.data.checks.outside_candidates import find_outside
from archnet.data.checks.unused_scans import find_unused
from archnet.data.crops import CandidateCrops
from archnet.data.dataset import Cases, positive_class
from archnet.data.readings.nodule_readings import read_nodules
from archnet.data.readings.rating_columns import rating_columns
from archnet.data.readings.readings_database import readings_path
from archnet.data.scan_dataset import ScanDataset, crop_size
from archnet.errors import DataError
from archnet.files.attribute_values import Attribute
from archnet.files.luna16_lists import ANNOTATIONS_FILE, CANDIDATE_FILES, DIAMETER
from archnet.files.progress import Progress, no_progress
from archnet.imaging import READERS
from archnet.imaging.scan_files import find_scans, scans_by_name, subset_number
from archnet.spec.experiment import Data
from archnet.spec.view import window_limits

CLASSES = ("non-nodule", "nodule")


class PointDataset(ScanDataset):
    """Listed points inside available scans."""

    def __init__(self, root: Path, data: Data, points: Candidates, scans: Mapping[str, Path]) -> None:
        self.root = root
        self.shape = crop_size(data)
        self.limits = window_limits(data)
        self._points, self._scans = points, scans
        self._source = f"{data.name} in {root}"
        self._grid = CropGrid(shape=self.shape, spacing_mm=data.spacing_mm)

    def points_mm(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The listed points."""
        return self._points.points_mm[rows]

    def recipe(self, rows: NDArray[np.int64]) -> CandidateCrops:
        """Crops around points in HU."""
        return self._points.select(rows).crops(self._scans, self.cases.ids[rows], self._grid, self._source)


class Luna16Dataset(PointDataset):
    """Candidates: nodules and non-nodules."""

    def __init__(self, root: Path, data: Data, progress: Progress = no_progress) -> None:
        path = _find_candidate_list(root)
        scans, left_out = find_luna16_scans(root)
        listed = _read_list(path)
        rows, outside = rows_inside(listed, scans, root, "candidate", progress)
        super().__init__(root, data, listed.select(rows), scans)
        series, labels = self._points.series, self._points.labels
        known = _read_attributes(root, data, self._points, scans, progress)
        self.cases = Cases(
            ids=case_ids(series, rows),
            groups=patient_groups(series, root, {*listed.series, *scans}, known.patients),
            labels=labels,
            classes=CLASSES,
            folds=official_folds(series, scans, root),
            positive=positive_class(CLASSES, data.positive),
            attributes=known.columns,
        )
        unused = find_unused(path, listed.series, scans, "candidate")
        self.findings = (*find_left_out(left_out, root), *unused, *outside, *known.findings)


def find_luna16_scans(root: Path) -> tuple[dict[str, Path], dict[Path, str]]:
    """Find the scans in a folder and its subset folders, by series uid, and the unused files.

    Raises:
        DataError: There are no scans, or a series occurs twice.
    """
    tree = find_scans(root, may_be_series=False)
    if not tree.scans:
        raise DataError(
            f"{root}: no scans ({', '.join(READERS)}) here or in subset0 to subset9. Unpack at least one "
            "subset into this folder."
        )
    return scans_by_name(tree.scans, "Remove one of them."), dict(tree.left_out)


def find_nodule_list(root: Path) -> Path:
    """Find the list of nodules to which readings are matched.

    Raises:
        DataError: The list is missing.
    """
    path = root / ANNOTATIONS_FILE
    if not path.is_file():
        raise DataError(
            f"{root}: {ANNOTATIONS_FILE}, the list of nodules to which readings are matched, is missing. It is "
            "published with the scans of LUNA16. Copy it to this folder."
        )
    return path


def case_ids(series: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.str_]:
    """Names of cases: the series and the row in the list, from 0."""
    return np.array([f"{uid}#{row}" for uid, row in zip(series, rows.tolist(), strict=True)])


def rows_inside(
    listed: Candidates, scans: Mapping[str, Path], root: Path, noun: str, progress: Progress
) -> tuple[NDArray[np.int64], tuple[Finding, ...]]:
    """Select the rows of a list whose points are inside an available scan, and report points outside their scan.

    Raises:
        DataError: There are no such rows.
    """
    rows = np.flatnonzero([uid in scans for uid in listed.series])
    if not len(rows):
        raise DataError(
            f"{listed.source}: none of its {noun}s ({len(listed.series):,}) is in a scan under {root}. "
            f"The first one is in scan {listed.series[0]}; a scan in the folder is {min(scans)}."
        )
    points = listed.select(rows).place(scans, progress)
    is_outside = points.is_outside()
    if is_outside.all():
        raise DataError(find_outside(points, is_outside, listed.source)[0].text)
    return rows[~is_outside], find_outside(points, is_outside, Path(listed.source).name)


def _read_list(path: Path) -> Candidates:
    candidates = read_candidates(path)
    if not candidates.series:
        raise DataError(f"{path}: contains no candidates. Copy the file again.")
    return candidates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _KnownAttributes:
    """Attributes and patients of candidates, from the list of nodules and the readings."""

    columns: Mapping[str, Attribute] = field(default_factory=dict)
    patients: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def _read_attributes(
    root: Path, data: Data, candidates: Candidates, scans: Mapping[str, Path], progress: Progress
) -> _KnownAttributes:
    """Read the attributes of the nodules that candidates hit, if the list of nodules is readable."""
    path = root / ANNOTATIONS_FILE if data.readings is None else find_nodule_list(root)
    if not path.is_file():
        return _KnownAttributes()
    try:
        nodules = read_nodule_list(path)
    except DataError as error:
        if data.readings is not None:
            raise
        message = f"The diameters of nodules are unknown: {error}"
        return _KnownAttributes(findings=(Finding(check="case_attributes", severity="warning", message=message),))
    is_nodule = candidates.labels == CLASSES.index("nodule")
    hits = hit_nodules(nodules, candidates.series, candidates.points_mm, is_nodule)
    diameters = {DIAMETER: hit_diameters(nodules, hits)}
    if data.readings is None:
        return _KnownAttributes(columns=diameters)
    read = read_nodules(
        readings_path(data.readings), nodules, scans=scans, others=set(candidates.series), progress=progress
    )
    ratings = {name: np.append(values, "")[hits] for name, values in rating_columns(read.readings).items()}
    return _KnownAttributes(columns={**diameters, **ratings}, patients=read.patients, findings=read.findings)


def official_folds(series: Sequence[str], scans: Mapping[str, Path], root: Path) -> NDArray[np.int64] | None:
    """Number of the subset folder of each scan, -1 for a scan outside them; None if no scan is in a subset folder."""
    subsets = {uid: subset_number(scans[uid], root) for uid in set(series)}
    numbers = {uid: -1 if number is None else number for uid, number in subsets.items()}
    folds = np.array([numbers[uid] for uid in series], dtype=np.int64)
    return folds if folds.max() >= 0 else None


def _find_candidate_list(root: Path) -> Path:
    for name in CANDIDATE_FILES:
        if (root / name).is_file():
            return root / name
    names = " nor ".join(CANDIDATE_FILES)
    raise DataError(
        f"{root}: contains neither {names}. LUNA16 publishes both with its scans. Copy one of them to this folder."
    )
