"""Find DICOM series and their patients from a few headers, without reading all of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from archnet.errors import DataError
from archnet.imaging.dicom.dicom_file import dicom_candidates
from archnet.imaging.dicom.dicom_header import DicomHeader, read_header
from archnet.imaging.dicom.dicom_series import choose_series

# PatientIDs that anonymization tools write for everyone. "Anonymous 12" is not one: a number distinguishes patients.
_PLACEHOLDER_ID = re.compile(
    r"anon(ym(ous|i[sz]ed?)?)?|deidentified|unknown|none|noid|noname|null|na|removed|patient(id)?|x+"
)
# Minimum number of slices of one series that make a folder a scan although its subfolders contain series.
_MIN_SLICES_ABOVE: Final = 10
_MAX_DEPTH: Final = 8


def is_series(folder: Path) -> bool:
    """Whether a folder contains slices of a scan, or damaged files with a DICOM extension.

    Reports, scouts, masks and the DICOMDIR of a CD are not slices. If subfolders contain series, damaged files and
    single slices do not count either: the folder itself is a series only if it contains ten slices of one series.
    """
    counts: Counter[str] = Counter()
    is_damaged = False
    is_leaf = next(_subfolders(folder), None) is None
    for path in dicom_candidates(folder):
        try:
            file = read_header(path)
        except DataError:
            is_damaged = True
            continue
        is_damaged |= file is not None and file.is_ct and not file.is_image
        if file is not None and file.is_slice:
            counts[file.text("SeriesInstanceUID")] += 1
            if is_leaf or max(counts.values()) >= _MIN_SLICES_ABOVE:
                return True
    return (is_damaged or bool(counts)) and not _has_series_below(folder, _MAX_DEPTH)


def read_patient_id(folder: Path) -> str | None:
    """Read the PatientID of a series; None if it is empty, a placeholder, or unreadable."""
    for file in _slices(folder):
        patient = file.text("PatientID")
        return patient if patient and not _PLACEHOLDER_ID.fullmatch(re.sub(r"[\W_]", "", patient).casefold()) else None
    return None


def read_series_uid(folder: Path, series: str | None = None) -> str | None:
    """Read the SeriesInstanceUID of the first slice in a folder; None if there is none.

    Args:
        series: The series that `read_volume` reads, by its uid, number or description; this requires reading all
            headers.

    Raises:
        DataError: The series does not exist.
    """
    if series is not None:
        (first, *_), _, _ = choose_series(folder, series)
        return first.text("SeriesInstanceUID")
    return next(filter(None, (file.text("SeriesInstanceUID") for file in _slices(folder))), None)


def holds_series(folder: Path, uid: str) -> bool:
    """Whether a folder contains a slice of a series."""
    return any(file.text("SeriesInstanceUID") == uid for file in _slices(folder))


def _slices(folder: Path) -> Iterator[DicomHeader]:
    for path in dicom_candidates(folder):
        try:
            file = read_header(path)
        except DataError:
            continue  # the reader of the series reports the problem
        if file is not None and file.is_slice:
            yield file


def _has_series_below(folder: Path, depth: int) -> bool:
    return depth > 0 and any(
        next(_slices(part), None) is not None or _has_series_below(part, depth - 1) for part in _subfolders(folder)
    )


def _subfolders(folder: Path) -> Iterator[Path]:
    """The subfolders of a folder, without links that lead back to a parent folder."""
    for part in sorted(folder.iterdir()):
        if part.is_dir() and not part.name.startswith("."):
            leads_back = part.is_symlink() and folder.resolve().is_relative_to(part.resolve())
            if not leads_back:
                yield part
