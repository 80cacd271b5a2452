"""Find DICOM series and their patients from a few headers, without reading every one."""

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

# What anonymising programs write for everyone. "Anonymous 12" is not among them: a number distinguishes patients.
_PLACEHOLDER_ID = re.compile(
    r"anon(ym(ous|i[sz]ed?)?)?|deidentified|unknown|none|noid|noname|null|na|removed|patient(id)?|x+"
)
# Slices of one series that lie above others are a scan of their own from this number on; fewer are astray.
_MIN_SLICES_ABOVE: Final = 10
_MAX_DEPTH: Final = 8


def is_series(folder: Path) -> bool:
    """Whether a folder holds slices of a scan, or files with a DICOM ending that are damaged.

    Reports, scouts, masks and the DICOMDIR of a CD are no slices. Where series lie in the folders below, neither are
    damaged files and single slices: a folder is a series beside them only if it holds ten slices of one.
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
    """Read the PatientID of a series; null if it is empty, a placeholder, or unreadable."""
    for file in _slices(folder):
        patient = file.text("PatientID")
        return patient if patient and not _PLACEHOLDER_ID.fullmatch(re.sub(r"[\W_]", "", patient).casefold()) else None
    return None


def read_series_uid(folder: Path, series: str | None = None) -> str | None:
    """Read the SeriesInstanceUID of the first slice of a folder; null if there is none.

    Args:
        series: The series that `read_volume` reads, by its uid, number or description; that takes all headers.

    Raises:
        DataError: There is no such series.
    """
    if series is not None:
        return choose_series(folder, series)[0][0].text("SeriesInstanceUID")
    return next(filter(None, (file.text("SeriesInstanceUID") for file in _slices(folder))), None)


def holds_series(folder: Path, uid: str) -> bool:
    """Whether one of the slices of a folder is of a series."""
    return any(file.text("SeriesInstanceUID") == uid for file in _slices(folder))


def _slices(folder: Path) -> Iterator[DicomHeader]:
    for path in dicom_candidates(folder):
        try:
            file = read_header(path)
        except DataError:
            continue  # whoever reads the series says what is wrong with it
        if file is not None and file.is_slice:
            yield file


def _has_series_below(folder: Path, depth: int) -> bool:
    return depth > 0 and any(
        next(_slices(part), None) is not None or _has_series_below(part, depth - 1) for part in _subfolders(folder)
    )


def _subfolders(folder: Path) -> Iterator[Path]:
    """The folders in a folder, without those that a link leads back to."""
    for part in sorted(folder.iterdir()):
        if part.is_dir() and not part.name.startswith("."):
            leads_back = part.is_symlink() and folder.resolve().is_relative_to(part.resolve())
            if not leads_back:
                yield part
