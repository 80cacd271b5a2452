"""LUNA16's layout: scans in subset folders, candidates in a csv file.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.attributes.nodule_diameters import hit_diameters
from archnet.data.candidates import Candidates, CropGrid, read_candidates
from archnet.data.checks.findings import Finding, Severity, first_names
from archnet.data.checks.left_out import MAX_CASES, find_left_out
from archnet.data.checks.outside_candidates import find_outside
from archnet.data.crops import CandidateCrops
from archnet.data.dataset import Cases, positive_class
from archnet.data.patients import patient_groups
from archnet.data.scan_dataset import ScanDataset, crop_size, require_root
from archnet.errors import DataError, pluralize
from archnet.files.attribute_values import Attribute
from archnet.files.luna16_lists import ANNOTATIONS_FILE, CANDIDATE_FILES, DIAMETER, SERIES_FILE
from archnet.files.progress import Progress, no_progress
from archnet.imaging import READERS
from archnet.imaging.scan_files import find_scans, scans_by_name, subset_number
from archnet.spec.experiment import Data
from archnet.spec.view import window_limits

CLASSES = ("non-nodule", "nodule")
LIDC_UID: Final = "1.3.6.1.4.1.14519.5.2.1.6279.6001."
"""How the series uids of LIDC-IDRI begin, of which LUNA16's 888 are a part."""


class Luna16Dataset(ScanDataset):
    """Candidates of those scans that are there, and that lie inside them."""

    def __init__(self, root: Path, data: Data, progress: Progress = no_progress) -> None:
        path = _find_candidate_list(root)
        scans, left_out = find_luna16_scans(root)
        listed = _read_list(path)
        rows = np.flatnonzero([uid in scans for uid in listed.series])
        if not len(rows):
            raise DataError(
                f"{path}: none of its {len(listed.series):,} candidates lies in a scan under {root}. "
                f"The list begins with scan {listed.series[0]}, the folder with {min(scans)}."
            )
        points = listed.select(rows).place(scans, progress)
        is_outside = points.is_outside()
        if is_outside.all():
            raise DataError(find_outside(points, is_outside, str(path))[0].text)
        outside = find_outside(points, is_outside, path.name)
        rows = rows[~is_outside]
        self._candidates, self._scans = listed.select(rows), scans
        series = self._candidates.series
        attributes, unreadable = _read_diameters(root / ANNOTATIONS_FILE, self._candidates)
        self.cases = Cases(
            ids=np.array([f"{uid}#{row}" for uid, row in zip(series, rows.tolist(), strict=True)]),
            groups=patient_groups(series, root, {*listed.series, *scans}),
            labels=self._candidates.labels,
            classes=CLASSES,
            folds=_official_folds(series, scans, root),
            positive=positive_class(CLASSES, data.positive),
            attributes=attributes,
        )
        self.root = root
        self.shape = crop_size(data)
        self.limits = window_limits(data)
        self.findings = (*find_left_out(left_out, root), *_find_unused(path, listed, scans), *outside, *unreadable)
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
    return Luna16Dataset(require_root(data), data, progress)


def find_luna16_scans(root: Path) -> tuple[dict[str, Path], dict[Path, str]]:
    """The scans of a folder and its subset folders, by series uid, and the files in them that are left out.

    Raises:
        DataError: There are none, or one series is there twice.
    """
    tree = find_scans(root, may_be_series=False)
    if not tree.scans:
        raise DataError(
            f"{root}: no scans ({', '.join(READERS)}) here or in subset0 to subset9. Unpack at least one subset there."
        )
    return scans_by_name(tree.scans, "Remove one of them."), dict(tree.left_out)


def _read_list(path: Path) -> Candidates:
    candidates = read_candidates(path)
    if not candidates.series:
        raise DataError(f"{path}: the list has no candidates. Copy it again.")
    return candidates


def _read_diameters(path: Path, candidates: Candidates) -> tuple[dict[str, Attribute], tuple[Finding, ...]]:
    """The diameters of the nodules that candidates hit, if the list of nodules exists and can be read."""
    if not path.is_file():
        return {}, ()
    is_nodule = candidates.labels == CLASSES.index("nodule")
    try:
        diameters = hit_diameters(path, candidates.series, candidates.points_mm, is_nodule)
    except DataError as error:
        message = f"The diameters of nodules are unknown: {error}"
        return {}, (Finding(check="case_attributes", severity="warning", message=message),)
    return {DIAMETER: diameters}, ()


def _official_folds(series: Sequence[str], scans: Mapping[str, Path], root: Path) -> NDArray[np.int64] | None:
    """The number of the subset folder that each scan lies in, -1 outside them; None where no scan lies in one."""
    subsets = {uid: subset_number(scans[uid], root) for uid in set(series)}
    numbers = {uid: -1 if number is None else number for uid, number in subsets.items()}
    folds = np.array([numbers[uid] for uid in series], dtype=np.int64)
    return folds if folds.max() >= 0 else None


def _find_candidate_list(root: Path) -> Path:
    for name in CANDIDATE_FILES:
        if (root / name).is_file():
            return root / name
    names = " nor ".join(CANDIDATE_FILES)
    raise DataError(f"{root}: neither {names} is here. LUNA16 publishes both beside its scans. Copy one there.")


def _find_unused(path: Path, listed: Candidates, scans: Mapping[str, Path]) -> Iterator[Finding]:
    """What the list and the scans do not have in common."""
    counts = Counter(listed.series)
    absent = [uid for uid in counts if uid not in scans]
    known = _read_known_series(path.parent)
    unknown = [uid for uid in absent if (uid not in known if known else not uid.startswith(LIDC_UID))]
    idle = sorted(set(scans.values()) - {scans[uid] for uid in counts if uid in scans})
    if absent:
        num_absent = sum(counts[uid] for uid in absent)
        yield _left_out(
            f"{num_absent:,} of the {len(listed.series):,} candidates in {path.name} {_are(num_absent)} left out: "
            f"{len(absent):,} of the {len(counts):,} scans that it names {_are(len(absent))} missing.",
            absent,
        )
    if unknown:
        num_unknown = sum(counts[uid] for uid in unknown)
        yield _left_out(
            f"{path.name} names {len(unknown):,} series ({pluralize(num_unknown, 'candidate')}) "
            f"that {_are(len(unknown))} neither in this folder nor in {SERIES_FILE if known else 'LUNA16'}: "
            f"{first_names(unknown)}.",
            unknown,
            "Compare them with the names of the scan files, which are the series uids.",
        )
    if idle:
        names = [scan.name for scan in idle]
        yield _left_out(
            f"{len(idle):,} of the {pluralize(len(set(scans.values())), 'scan')} {'has' if len(idle) == 1 else 'have'} "
            f"no candidate in {path.name} and {_are(len(idle))} not used: {first_names(names)}.",
            names,
            "Add their candidates to the list, or remove them.",
        )


def _left_out(message: str, names: Sequence[str], remedy: str = "") -> Finding:
    severity: Severity = "warning" if remedy else "note"
    return Finding(check="left_out", severity=severity, message=message, cases=tuple(names[:MAX_CASES]), remedy=remedy)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _read_known_series(root: Path) -> set[str]:
    """The uids that LUNA16's list of series names, where it lies beside the candidates."""
    path = root / SERIES_FILE
    return set(path.read_text(encoding="utf-8-sig", errors="replace").split()) if path.is_file() else set()
