"""Headers of DICOM files, read with pydicom within fixed limits."""

from __future__ import annotations

import math
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from archnet.errors import DataError
from archnet.imaging.dicom.dicom_file import (
    DICOM_SUFFIXES,
    FETCH_LINKS,
    NotDicomError,
    dicom_candidates,
    has_mark,
    open_data_set,
    require_dicom_start,
)

CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"

_KEYWORDS: Final = (
    "SOPClassUID",
    "ImageType",
    "Modality",
    "PatientID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "SeriesNumber",
    "NumberOfFrames",
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
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SliceThickness",
    "Manufacturer",
    "ManufacturerModelName",
    "ConvolutionKernel",
    "KVP",
)
# Objects with pixels that accompany a scan but are not one: masks, doses, dose reports, scanned documents.
_COMPANION_MODALITIES: Final = ("SEG", "RTDOSE", "SR", "KO", "PR", "OT", "DOC", "REG", "ECG")
# Exceptions that pydicom raises on damaged headers, in addition to its own.
_HEADER_ERRORS: Final = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RecursionError,
    OverflowError,
    struct.error,
    zlib.error,
)
_PIXEL_DATA: Final = 0x7FE00010
# Digital signatures and padding that may follow the pixels, in either byte order.
_LAST_TAGS: Final = (b"\xfa\xff\xfa\xff", b"\xff\xfa\xff\xfa", b"\xfc\xff\xfc\xff", b"\xff\xfc\xff\xfc")
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF
# Longer values stay in the file while headers are read; only pixels are that long.
_DEFER_BYTES: Final = 1024
_MAX_ELEMENTS: Final = 20_000


# Scans are read in threads, but pydicom's validation and Python's warnings are global settings of the process.
_SWITCHES = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DicomHeader:
    """The header of one DICOM file.

    Attributes:
        values: The values of `_KEYWORDS`; None if missing.
        transfer_syntax: UID of the transfer syntax; empty if the file has none.
        pixels_start: Offset of the pixels in `open_data_set`; None if the file has none.
        num_bytes: Size of the pixels; None if undefined, because they are encapsulated in fragments.
        is_big_endian: The byte order of the pixels.
        has_stray_bytes: Whether bytes that are not an element follow the pixels.
    """

    path: Path
    values: dict[str, Any]
    transfer_syntax: str
    pixels_start: int | None
    num_bytes: int | None
    is_big_endian: bool
    has_stray_bytes: bool

    @property
    def is_image(self) -> bool:
        """Whether the object has pixels and states how many."""
        return self.pixels_start is not None and all(self.text(keyword) for keyword in ("Rows", "Columns"))

    @property
    def is_ct(self) -> bool:
        """Whether the object is a CT image, by its SOP class."""
        return self.text("SOPClassUID") == CT_IMAGE

    @property
    def is_localizer(self) -> bool:
        """Whether the image is a localizer (scout), on which the scan was planned."""
        return "LOCALIZER" in self.text("ImageType").upper()

    @property
    def is_slice(self) -> bool:
        """Whether the object is an image that can belong to a scan; it may still be unreadable."""
        if not self.is_image or self.is_localizer or self.text("Modality") in _COMPANION_MODALITIES:
            return False
        is_placed = bool(self.text("ImagePositionPatient")) or self.num_frames > 1
        return is_placed or self.is_ct

    @property
    def num_frames(self) -> int:
        """Number of images in the file; 0 if it is not stated."""
        text = self.text("NumberOfFrames")
        return int(text) if text.isdecimal() and len(text) < 10 else 0

    def text(self, keyword: str) -> str:
        """A value as text; empty if it is missing."""
        value = self.values[keyword]
        return "" if value is None else str(value).strip()

    def number(self, keyword: str) -> float:
        """A value as one number.

        Raises:
            DataError: The value is missing, or is not a finite number.
        """
        (number,) = self.numbers(keyword, 1)
        return number

    def numbers(self, keyword: str, count: int) -> tuple[float, ...]:
        """A value as numbers.

        Raises:
            DataError: The value is missing, or does not consist of `count` finite numbers.
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
    """Read the headers of all DICOM objects of a folder, in the order of file names; other files are skipped.

    Raises:
        DataError: The folder does not exist, or a header is damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    return [file for file in map(read_header, dicom_candidates(folder)) if file is not None]


def read_header(path: Path) -> DicomHeader | None:
    """Read the header of a file; None if the file is not DICOM or is a directory of DICOM files (DICOMDIR).

    Raises:
        DataError: The header is damaged, or a file with a DICOM extension is not DICOM.
    """
    try:
        require_dicom_start(path)
        header = _parse_header(path)
    except NotDicomError as error:
        if path.suffix.lower() in DICOM_SUFFIXES:
            raise DataError(
                f"{path}: this is not a DICOM file; it has no DICM prefix. Copy the series again."
            ) from error
        return None
    except FileNotFoundError as error:
        raise DataError(f"{path}: it is a link to a missing file. {FETCH_LINKS}") from error
    except _HEADER_ERRORS as error:
        if not isinstance(error, OSError) and path.suffix.lower() not in DICOM_SUFFIXES and not has_mark(path):
            return None
        raise DataError(f"{path}: its DICOM header is damaged ({str(error)[:80]}). Copy the series again.") from error
    if header is not None and not header.text("SeriesInstanceUID") and header.text("SOPClassUID") in ("", CT_IMAGE):
        raise DataError(f"{path}: its DICOM header is damaged (it has no SeriesInstanceUID). Copy the series again.")
    return header


def _parse_header(path: Path) -> DicomHeader | None:
    from pydicom.config import disable_value_validation
    from pydicom.errors import BytesLengthException, InvalidDicomError
    from pydicom.filereader import read_partial
    from pydicom.tag import Tag
    from pydicom.uid import MediaStorageDirectoryStorage

    tags: list[Any] = [Tag(keyword) for keyword in (*_KEYWORDS, "PixelData")]
    try:
        # The callers check the values that they use; pydicom would warn about many others.
        with open_data_set(path) as stream, _SWITCHES, disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = read_partial(stream, _Bound(), _DEFER_BYTES, force=True, specific_tags=tags)
            values = {keyword: header.get(keyword) for keyword in _KEYWORDS}
            values["SOPClassUID"] = values["SOPClassUID"] or header.file_meta.get("MediaStorageSOPClassUID")
            transfer_syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
            pixels = header.get_item(Tag(_PIXEL_DATA), keep_deferred=True)
            start: int | None = getattr(pixels, "value_tell", None)
            length: int = getattr(pixels, "length", _UNKNOWN_LENGTH)
            num_bytes = None if start is None or length == _UNKNOWN_LENGTH else length
            has_stray_bytes = start is not None and num_bytes is not None and _has_stray_bytes(stream, start + length)
    except (BytesLengthException, InvalidDicomError) as error:
        raise ValueError(str(error)) from error
    if values["SOPClassUID"] == MediaStorageDirectoryStorage:
        return None
    file = DicomHeader(
        path=path,
        values=values,
        transfer_syntax=transfer_syntax,
        pixels_start=start,
        num_bytes=num_bytes,
        is_big_endian=not header.original_encoding[1],
        has_stray_bytes=has_stray_bytes,
    )
    if not (file.is_image and file.text("SOPClassUID")) and not has_mark(path):
        raise NotDicomError("it has no DICM prefix")
    return file


def _has_stray_bytes(stream: BinaryIO, end: int) -> bool:
    """Whether the bytes after the pixels are neither zeros nor an element that may follow (a signature, padding)."""
    stream.seek(end)
    rest = stream.read(_DEFER_BYTES)
    return rest[:4] not in _LAST_TAGS and bool(rest.strip(b"\0"))


class _Bound:
    """Callback that stops pydicom after the pixels, and rejects files with too many elements."""

    def __init__(self) -> None:
        self._num_elements = 0
        self._is_over = False

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        self._num_elements += 1
        if self._num_elements > _MAX_ELEMENTS:
            raise ValueError(f"it has more than {_MAX_ELEMENTS:,} elements")
        is_over, self._is_over = self._is_over, tag >= _PIXEL_DATA
        return is_over or tag > _PIXEL_DATA
