"""Headers of DICOM files, read with pydicom: with or without preamble, within bounds that no file can lift."""

from __future__ import annotations

import io
import math
import threading
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from archnet.errors import DataError

# Files with these endings must be DICOM; any other file that is not may lie beside a series (notes, licences, XML).
DICOM_SUFFIXES: Final = (".dcm", ".dicom", ".ima")
CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"

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
)
# Objects with pixels that lie beside a scan and are none: masks, doses, dose reports, scanned documents.
_COMPANION_MODALITIES: Final = ("SEG", "RTDOSE", "SR", "KO", "PR", "OT", "DOC", "REG", "ECG")
# What pydicom raises on damaged headers, beside its own exceptions.
_HEADER_ERRORS: Final = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RecursionError,
    OverflowError,
    zlib.error,
)
_PIXEL_DATA: Final = 0x7FE00010
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF
_MARK_OFFSET: Final = 128
_HEAD_BYTES: Final = _MARK_OFFSET + 4 + 1024
# Values longer than this stay in the file while headers are read; pixels are, no other value here is.
_DEFER_BYTES: Final = 1024
_MAX_ELEMENTS: Final = 20_000
_MAX_UNPACKED_BYTES: Final = 2**28
# Elements that a data set without a mark can begin with: (group, element), and the type of their value.
_FIRST_GROUPS: Final = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_FIRST_TYPES: Final = (b"UL", b"OB", b"CS", b"UI", b"DA", b"TM", b"LO", b"SH", b"ST", b"LT", b"DT")


# Scans are read in threads, and pydicom's validation and Python's warnings are switched for the whole process.
_SWITCHES = threading.Lock()


class _NotDicomError(ValueError):
    """The file is not DICOM."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DicomHeader:
    """The header of one DICOM file.

    Attributes:
        values: The values of `_KEYWORDS`; null where missing.
        transfer_syntax: UID of the transfer syntax; empty where the file has none.
        pixels_start: Offset of the pixels in `open_data_set`; null if the file has none.
        num_bytes: Size of the pixels; null if it is not given, because they are packed in fragments.
        is_big_endian: The byte order of the pixels.
    """

    path: Path
    values: dict[str, Any]
    transfer_syntax: str
    pixels_start: int | None
    num_bytes: int | None
    is_big_endian: bool

    @property
    def is_image(self) -> bool:
        """Whether the object has pixels and says how many."""
        return self.pixels_start is not None and all(self.text(keyword) for keyword in ("Rows", "Columns"))

    @property
    def is_ct(self) -> bool:
        """Whether the object is an image of a CT scanner, by its class."""
        return self.text("SOPClassUID") == CT_IMAGE

    @property
    def is_localizer(self) -> bool:
        """Whether the image is a scout, on which the scan was planned."""
        return "LOCALIZER" in self.text("ImageType").upper()

    @property
    def is_slice(self) -> bool:
        """Whether the object is an image that can belong to a scan; that it can be read is not certain."""
        if not self.is_image or self.is_localizer or self.text("Modality") in _COMPANION_MODALITIES:
            return False
        is_placed = bool(self.text("ImagePositionPatient")) or self.num_frames > 1
        return is_placed or self.is_ct

    @property
    def num_frames(self) -> int:
        """Number of images in the file, 0 where it gives none."""
        text = self.text("NumberOfFrames")
        return int(text) if text.isdecimal() and len(text) < 10 else 0

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


def dicom_candidates(folder: Path) -> list[Path]:
    """The files of a folder that may be DICOM, sorted: all that are not hidden."""
    return [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]


def has_dicom_start(path: Path) -> bool:
    """Whether a file begins like DICOM, with or without the mark."""
    try:
        with path.open("rb") as file:
            _find_start(file.read(_HEAD_BYTES))
    except (_NotDicomError, OSError):
        return False
    return path.name != "DICOMDIR"


def read_headers(folder: Path) -> list[DicomHeader]:
    """Read the headers of all DICOM objects of a folder, in the order of file names; other files are skipped.

    Raises:
        DataError: There is no such folder, or a header is damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder.")
    return [file for file in map(read_header, dicom_candidates(folder)) if file is not None]


def read_header(path: Path) -> DicomHeader | None:
    """Read the header of a file; null if the file is not DICOM. A directory of DICOM files (DICOMDIR) is none here.

    Raises:
        DataError: The header is damaged, or a file with a DICOM ending is none.
    """
    try:
        with path.open("rb") as file:
            _find_start(file.read(_HEAD_BYTES))
        header = _parse_header(path)
    except _NotDicomError as error:
        if path.suffix.lower() in DICOM_SUFFIXES:
            raise DataError(f"{path}: this is not a DICOM file, it has no DICM mark. Copy the series again.") from error
        return None
    except _HEADER_ERRORS as error:
        if not isinstance(error, OSError) and path.suffix.lower() not in DICOM_SUFFIXES and not _has_mark(path):
            return None
        raise DataError(f"{path}: its DICOM header is damaged ({str(error)[:80]}). Copy the series again.") from error
    if header is not None and not header.text("SeriesInstanceUID") and header.text("SOPClassUID") in ("", CT_IMAGE):
        raise DataError(f"{path}: its DICOM header is damaged (it has no SeriesInstanceUID). Copy the series again.")
    return header


def open_data_set(path: Path) -> BinaryIO:
    """Open a DICOM file as pydicom reads it: without what precedes a data set that has no mark, and inflated.

    Raises:
        ValueError: The file is not DICOM, or unpacks to more than a slice can take.
        OSError: It cannot be opened.
    """
    file = path.open("rb")
    try:
        head = file.read(_HEAD_BYTES)
        start = _find_start(head)
        if DEFLATED.encode() in head:
            return _inflate(file, head, start)
        if start in (0, _MARK_OFFSET + 4):
            file.seek(0)
            return file
        file.seek(start)
        content = file.read(_MAX_UNPACKED_BYTES)
    except BaseException:
        file.close()
        raise
    file.close()
    return io.BytesIO(content)


def _find_start(head: bytes) -> int:
    """The offset of the first element."""
    if head[_MARK_OFFSET : _MARK_OFFSET + 4] == b"DICM":
        return _MARK_OFFSET + 4
    starts = (4,) if head[:4] == b"DICM" else (0, _MARK_OFFSET)
    for start in starts:
        if _begins_data_set(head[start : start + 8]):
            return start
    raise _NotDicomError("it has no DICM mark")


def _begins_data_set(element: bytes) -> bool:
    """Whether eight bytes are the beginning of a data set: a low element of a first group with a plausible value."""
    if len(element) < 8 or element[:2] not in _FIRST_GROUPS:
        return False
    number = int.from_bytes(element[2:4], "big" if element[0] == 0 else "little")
    has_length = element[0] != 0 and int.from_bytes(element[4:], "little") <= _DEFER_BYTES
    return number < 0x100 and (element[4:6] in _FIRST_TYPES or has_length)


def _inflate(file: BinaryIO, head: bytes, start: int) -> BinaryIO:
    """The elements after the file meta information, unpacked."""
    with file:
        if head[start : start + 8] != b"\x02\x00\x00\x00UL\x04\x00":
            raise ValueError("the length of its file meta information is missing")
        file.seek(start + 12 + int.from_bytes(head[start + 8 : start + 12], "little"))
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        content = inflater.decompress(file.read(_MAX_UNPACKED_BYTES), _MAX_UNPACKED_BYTES)
    if inflater.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {_MAX_UNPACKED_BYTES:,} bytes")
    return io.BytesIO(content)


def _parse_header(path: Path) -> DicomHeader | None:
    from pydicom.config import disable_value_validation
    from pydicom.errors import BytesLengthException, InvalidDicomError
    from pydicom.filereader import read_partial
    from pydicom.tag import Tag
    from pydicom.uid import MediaStorageDirectoryStorage

    tags: list[Any] = [Tag(keyword) for keyword in (*_KEYWORDS, "PixelData")]
    try:
        # What matters here is checked by those who use it; pydicom would warn of much that does not.
        with open_data_set(path) as stream, _SWITCHES, disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = read_partial(stream, _Bound(), _DEFER_BYTES, force=True, specific_tags=tags)
            values = {keyword: header.get(keyword) for keyword in _KEYWORDS}
            values["SOPClassUID"] = values["SOPClassUID"] or header.file_meta.get("MediaStorageSOPClassUID")
            transfer_syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
            pixels = header.get_item(Tag(_PIXEL_DATA), keep_deferred=True)
    except (BytesLengthException, InvalidDicomError) as error:
        raise ValueError(str(error)) from error
    if values["SOPClassUID"] == MediaStorageDirectoryStorage:
        return None
    length = getattr(pixels, "length", 0)
    file = DicomHeader(
        path=path,
        values=values,
        transfer_syntax=transfer_syntax,
        pixels_start=getattr(pixels, "value_tell", None),
        num_bytes=None if length == _UNKNOWN_LENGTH else int(length),
        is_big_endian=not header.original_encoding[1],
    )
    if not (file.is_image and file.text("SOPClassUID")) and not _has_mark(path):
        raise _NotDicomError("it has no DICM mark")
    return file


class _Bound:
    """Stops pydicom behind the pixels, and at a file of more elements than a header has."""

    def __init__(self) -> None:
        self._num_elements = 0

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        self._num_elements += 1
        if self._num_elements > _MAX_ELEMENTS:
            raise ValueError(f"it has more than {_MAX_ELEMENTS:,} elements")
        return tag > _PIXEL_DATA


def _has_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_MARK_OFFSET + 4)[_MARK_OFFSET:] == b"DICM"
