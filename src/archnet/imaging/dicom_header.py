"""Headers of DICOM files, read with pydicom, and the DICOM images of a folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archnet.errors import DataError

_KEYWORDS = (
    "SOPClassUID",
    "Modality",
    "SeriesInstanceUID",
    "SeriesDescription",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "BitsAllocated",
)
_DICOMDIR = "1.2.840.10008.1.3.10"
# Files with these endings must be DICOM; any other file that is not may lie beside a series (notes, licences, XML).
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

# What pydicom raises on damaged headers, beside its own exceptions.
HEADER_ERRORS = (OSError, EOFError, ValueError, KeyError, AttributeError, NotImplementedError)
# Values longer than this stay in the file while headers are read; pixels are, no other value here is.
_DEFER_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomHeader:
    """The header of one DICOM file.

    Attributes:
        values: The values of `_KEYWORDS`; null where missing.
        transfer_syntax: UID of the transfer syntax.
        num_bytes: Size of the pixels; meaningless if they are compressed.
    """

    path: Path
    values: dict[str, Any]
    transfer_syntax: str
    num_bytes: int

    def text(self, keyword: str) -> str:
        """A value as text; empty where it is missing."""
        value = self.values[keyword]
        return "" if value is None else str(value).strip()

    def numbers(self, keyword: str, count: int) -> tuple[float, ...]:
        """A value as numbers.

        Raises:
            DataError: It is missing, or not that many finite numbers.
        """
        value = self.values[keyword]
        try:
            numbers = tuple(float(part) for part in (value if count > 1 else [value]))
        except (TypeError, ValueError):
            numbers = ()
        if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
            expected = f"{count} number{'s' * (count > 1)}"
            raise DataError(f"{self.path}: {keyword} must be {expected}, got {self.text(keyword) or 'nothing'}.")
        return numbers


def read_headers(folder: Path) -> list[DicomHeader]:
    """Read the headers of the DICOM images of a folder, in the order of file names; other files are skipped.

    Raises:
        DataError: There is no such folder, or a header is damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    paths = (path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith("."))
    return [file for file in map(_read_header, paths) if file is not None]


def _read_header(path: Path) -> DicomHeader | None:
    """Read the header of a file; null if the file is not a DICOM image."""
    from pydicom.config import disable_value_validation
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        # What matters here is checked below; pydicom would warn of much that does not.
        with disable_value_validation():
            file = _parse_header(path)
    except InvalidDicomError as error:
        if path.suffix.lower() in DICOM_SUFFIXES:
            raise DataError(f"{path}: this is not a DICOM file, it has no DICM mark. Copy the series again.") from error
        return None
    except (*HEADER_ERRORS, BytesLengthException) as error:
        raise DataError(f"{path}: its DICOM header is damaged ({str(error)[:80]}). Copy the series again.") from error
    if file is not None and not file.text("SeriesInstanceUID"):
        raise DataError(f"{path}: its DICOM header is damaged (it has no SeriesInstanceUID). Copy the series again.")
    return file


def _parse_header(path: Path) -> DicomHeader | None:
    import pydicom

    header = pydicom.dcmread(path, defer_size=_DEFER_BYTES, specific_tags=[*_KEYWORDS, "PixelData"])
    if header.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
        return None
    return DicomHeader(
        path=path,
        values={keyword: header.get(keyword) for keyword in _KEYWORDS},
        transfer_syntax=str(header.file_meta.get("TransferSyntaxUID", "")),
        num_bytes=int(getattr(header.get_item("PixelData", keep_deferred=True), "length", 0)),
    )
