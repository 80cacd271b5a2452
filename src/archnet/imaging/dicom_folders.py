"""Find DICOM series and their patients from a few bytes, without reading every header."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from archnet.imaging.dicom_header import DICOM_SUFFIXES, HEADER_ERRORS

# What anonymising programs write for everyone. "Anonymous 12" is not among them: a number distinguishes patients.
_PLACEHOLDER_ID = re.compile(
    r"anon(ym(ous|i[sz]ed?)?)?|deidentified|unknown|none|noid|noname|null|na|removed|patient(id)?|x+"
)
_MARK_OFFSET = 128


def is_series(folder: Path) -> bool:
    """Whether a folder holds a file that is DICOM by its mark or its name."""
    return next(_dicom_files(folder), None) is not None


def read_patient_id(folder: Path) -> str | None:
    """Read the PatientID of a series; null if it is empty, a placeholder, or unreadable."""
    for path in _dicom_files(folder):
        patient = _read_value(path, "PatientID")
        if patient is not None:
            return (
                patient if patient and not _PLACEHOLDER_ID.fullmatch(re.sub(r"[\W_]", "", patient).casefold()) else None
            )
    return None


def read_series_uid(folder: Path) -> str | None:
    """Read the SeriesInstanceUID of the first image of a folder; null if there is none."""
    return next(filter(None, (_read_value(path, "SeriesInstanceUID") for path in _dicom_files(folder))), None)


def _dicom_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if (
            path.is_file()
            and not path.name.startswith(".")
            and (path.suffix.lower() in DICOM_SUFFIXES or _has_mark(path))
        ):
            yield path


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(_MARK_OFFSET + 4)[_MARK_OFFSET:] == b"DICM"
    except OSError:
        return False


def _read_value(path: Path, keyword: str) -> str | None:
    """Read a text of the header of a file; null if the file is not an image or its header is damaged."""
    import pydicom
    from pydicom.config import disable_value_validation
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[keyword, "SeriesInstanceUID"])
            return str(header.get(keyword) or "").strip() if header.get("SeriesInstanceUID") else None
    except (*HEADER_ERRORS, BytesLengthException, InvalidDicomError):
        return None  # whoever reads the series says what is wrong with it
