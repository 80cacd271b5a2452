"""DICOM files: candidates in a folder, and data sets with or without preamble and DICM prefix."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

# Files with these extensions must be DICOM; other files next to a series need not be (notes, licences, XML).
DICOM_SUFFIXES: Final = (".dcm", ".dicom", ".ima")
FETCH_LINKS: Final = "Fetch it, for example with git annex get."
DEFLATED: Final = "1.2.840.10008.1.2.1.99"

_MARK_OFFSET: Final = 128
_HEAD_BYTES: Final = 2048
_MAX_UNPACKED_BYTES: Final = 2**28
# The start of a data set without the prefix: its group, then the VR of the first element, or a length instead.
_FIRST_GROUPS: Final = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_FIRST_TYPES: Final = (b"UL", b"OB", b"CS", b"UI", b"DA", b"TM", b"LO", b"SH", b"ST", b"LT", b"DT")
_MAX_FIRST_BYTES: Final = 1024


class NotDicomError(ValueError):
    """The file is not DICOM."""


def dicom_candidates(folder: Path) -> list[Path]:
    """List the files of a folder that may be DICOM, sorted: all that are not hidden, and broken links to slices."""
    return [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and (path.is_file() or (is_lost_link(path) and _may_name_slice(path)))
    ]


def is_lost_link(path: Path) -> bool:
    """Whether a path is a broken link, such as git-annex creates for a file that has not been fetched."""
    return path.is_symlink() and not path.exists()


def _may_name_slice(path: Path) -> bool:
    return path.suffix.lower() in ("", *DICOM_SUFFIXES)


def require_dicom_start(path: Path) -> None:
    """Check that a file begins like DICOM, with or without the prefix.

    Raises:
        NotDicomError: The file does not begin like DICOM.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        _find_start(file.read(_HEAD_BYTES))


def has_dicom_start(path: Path) -> bool:
    """Whether a file begins like DICOM, with or without the prefix."""
    try:
        require_dicom_start(path)
    except (NotDicomError, OSError):
        return False
    return path.name != "DICOMDIR"


def has_mark(path: Path) -> bool:
    """Whether a file has a preamble followed by the DICM prefix."""
    with path.open("rb") as file:
        return file.read(_MARK_OFFSET + 4)[_MARK_OFFSET:] == b"DICM"


def open_data_set(path: Path) -> BinaryIO:
    """Open a DICOM file for pydicom: decompressed, and without bytes that precede a data set without the prefix.

    Raises:
        ValueError: The file is not DICOM, or unpacks to more bytes than a slice can have.
        OSError: The file cannot be opened.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        head = file.read(_HEAD_BYTES)
        start = _find_start(head)
        if DEFLATED.encode() in head:
            return _inflate(file, head, start, path.stat().st_size)
        if start in (0, _MARK_OFFSET + 4):
            file.seek(0)
            stack.pop_all()  # the caller closes the file
            return file
        file.seek(start)
        return io.BytesIO(file.read(min(path.stat().st_size, _MAX_UNPACKED_BYTES)))


def _find_start(head: bytes) -> int:
    """Find the offset of the first element."""
    if head[_MARK_OFFSET : _MARK_OFFSET + 4] == b"DICM":
        return _MARK_OFFSET + 4
    starts = (4,) if head[:4] == b"DICM" else (0, _MARK_OFFSET)
    for start in starts:
        if _begins_data_set(head[start : start + 8]):
            return start
    raise NotDicomError("it has no DICM prefix")


def _begins_data_set(element: bytes) -> bool:
    """Whether eight bytes are the start of a data set: a low element of a first group with a plausible value."""
    if len(element) < 8 or element[:2] not in _FIRST_GROUPS:
        return False
    number = int.from_bytes(element[2:4], "big" if element[0] == 0 else "little")
    has_length = element[0] != 0 and int.from_bytes(element[4:], "little") <= _MAX_FIRST_BYTES
    return number < 0x100 and (element[4:6] in _FIRST_TYPES or has_length)


def _inflate(file: BinaryIO, head: bytes, start: int, size: int) -> BinaryIO:
    """Decompress the elements after the file meta information."""
    if head[start : start + 8] != b"\x02\x00\x00\x00UL\x04\x00":
        raise ValueError("the length of its file meta information is missing")
    (length,) = struct.unpack_from("<I", head, start + 8)
    file.seek(start + 12 + length)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(file.read(min(size, _MAX_UNPACKED_BYTES)), _MAX_UNPACKED_BYTES)
    if inflater.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {_MAX_UNPACKED_BYTES:,} bytes")
    return io.BytesIO(content)
