"""The readings of a list of nodules, and findings about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.attributes.nodule_list import NoduleList
from archnet.data.checks.findings import Finding, first_names
from archnet.data.checks.left_out import MAX_CASES
from archnet.data.readings.nodule_matching import NoduleReadings, count_readers, match_scan
from archnet.data.readings.reading_placement import Nodules, Placement, header_placement
from archnet.data.readings.readings_file import read_readings
from archnet.errors import DataError, pluralize
from archnet.files.luna16_lists import UNKNOWN_DIAMETER_MM
from archnet.files.progress import Progress, no_progress
from archnet.imaging import read_stored_frame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadNodules:
    """Nodules with their readings.

    Attributes:
        readings: Readings of each nodule, in the order of the list; empty where it has none.
        patients: Patient of each series in the file.
        findings: Findings about the readings.
    """

    readings: tuple[NoduleReadings, ...]
    patients: Mapping[str, str]
    findings: tuple[Finding, ...]

    def count_readers(self) -> dict[str, int]:
        """Number of nodules by their number of readers."""
        counts = Counter(count_readers(nodule) for nodule in self.readings)
        return {str(number): counts[number] for number in sorted(counts)}


def read_nodules(
    path: Path,
    nodules: NoduleList,
    *,
    scans: Mapping[str, Path] | None,
    others: Collection[str] = (),
    progress: Progress = no_progress,
) -> ReadNodules:
    """Read the readings of nodules.

    Positions follow from the headers of the scans. Without scans, or if a header does not match, all readings of a scan
    are shifted together to its nodules; see `match_scan`.

    Args:
        path: The SQLite file.
        nodules: The list.
        scans: Paths of the scans, by series uid; nodules in other scans have no readings. None if there are no
            scans.
        others: Further series whose patients are needed.
        progress: Wraps the scans.

    Raises:
        DataError: The file is damaged, or contains none of the series.
    """
    rows_by_scan = {uid: rows for uid, rows in nodules.rows_by_scan().items() if scans is None or uid in scans}
    scan_readings = read_readings(path, {*rows_by_scan, *others})
    readings: list[NoduleReadings] = [()] * len(nodules.series)
    fitted = []
    for uid, rows in progress(rows_by_scan.items(), "Matching readings", len(rows_by_scan)):
        if uid in scan_readings:
            header = None if scans is None else _read_placement(scans[uid])
            matched = match_scan(scan_readings[uid], select_nodules(nodules, rows), header)
            for row, nodule in zip(rows.tolist(), matched.nodules, strict=True):
                readings[row] = nodule
            fitted += [uid] if matched.is_fitted else []
    return ReadNodules(
        readings=tuple(readings),
        patients={uid: scan.patient for uid, scan in scan_readings.items()},
        findings=(
            *_find_absent(path, [uid for uid in rows_by_scan if uid not in scan_readings], len(rows_by_scan)),
            *(() if scans is None else _find_fitted(fitted, len(rows_by_scan))),
        ),
    )


def select_nodules(nodules: NoduleList, rows: NDArray[np.int64]) -> Nodules:
    """Centres and radii of selected nodules; LUNA16's default replaces unknown diameters."""
    diameters_mm = nodules.diameters_mm[rows]
    return Nodules(
        points_mm=nodules.points_mm[rows],
        radii_mm=np.where(diameters_mm < 0, UNKNOWN_DIAMETER_MM, diameters_mm) / 2,
    )


def _read_placement(scan: Path) -> Placement | None:
    """Read the placement from a header; None if it is unreadable, which the reader of the crops reports."""
    try:
        return header_placement(read_stored_frame(scan))
    except DataError:
        return None


def _find_absent(path: Path, absent: Sequence[str], num_scans: int) -> Iterator[Finding]:
    if absent:
        yield Finding(
            check="readings",
            severity="warning",
            message=f"{path.name} has no readings of {len(absent):,} of the {pluralize(num_scans, 'scan')} with "
            f"nodules: {first_names(absent)}.",
            cases=tuple(absent[:MAX_CASES]),
            remedy="Only scans of LIDC-IDRI have readings. Compare the names of the scan files with its series uids.",
        )


def _find_fitted(fitted: Sequence[str], num_scans: int) -> Iterator[Finding]:
    if fitted:
        yield Finding(
            check="readings",
            severity="warning",
            message=f"In {len(fitted):,} of the {pluralize(num_scans, 'scan')} with nodules, the readings do not "
            f"match the header of the scan: {first_names(fitted)}. They are shifted to the listed nodules.",
            cases=tuple(fitted[:MAX_CASES]),
            remedy="Positions of readings are columns and rows of the published scan. Use scans that are neither "
            "cropped nor resampled.",
        )
