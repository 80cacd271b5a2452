"""Pixels of DICOM slices. Uncompressed ones are read here, within the bounds of their file; GDCM decodes the others.

GDCM, part of SimpleITK, never reads the user's file, because a damaged length would make it allocate gigabytes. It gets
a new file that contains only the compressed pixels and the values that describe them.
"""

from __future__ import annotations

import io
import struct
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.imaging.dicom.dicom_file import DEFLATED, open_data_set
from archnet.imaging.dicom.dicom_header import CT_IMAGE, DicomHeader

_PLAIN: Final = ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", DEFLATED)
_MAX_PIXELS: Final = 2**24
_MAX_PACKED_RATIO: Final = 200
_SMALL_BYTES: Final = 2**22
_MAX_PACKED_BYTES: Final = 2**26
_LARGEST_WHOLE: Final = 2**30
# The start-of-frame markers of JPEG and JPEG-LS; the other markers between C0 and CF define tables.
_JPEG_FRAMES: Final = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_JPEG_2000: Final = b"\xff\x4f\xff\x51"


def read_pixels(file: DicomHeader) -> NDArray[Any]:
    """Read one slice, (y, x), and apply its rescale slope and intercept.

    Raises:
        DataError: The pixels are missing, damaged or in an unsupported encoding.
    """
    rows, columns = int(file.number("Rows")), int(file.number("Columns"))
    if rows * columns > _MAX_PIXELS:
        raise DataError(f"{file.path}: a CT slice cannot have {columns:,} x {rows:,} pixels. Copy the series again.")
    shape, bits = (rows, columns), _num_bits(file)
    stored = _read_plain(file, shape, bits) if file.transfer_syntax in _PLAIN else _unpack(file, shape, bits)
    return _rescale(stored, file)


def _num_bits(file: DicomHeader) -> int:
    """Number of bits per pixel in the file; a CT stores its values in the lowest bits."""
    bits, stored, high = (int(file.number(keyword)) for keyword in ("BitsAllocated", "BitsStored", "HighBit"))
    if bits not in (8, 16, 32) or not 0 < stored <= bits or high != stored - 1 or (bits == 32 and stored != 32):
        raise DataError(
            f"{file.path}: values must fill the lowest bits of 8, 16 or 32, got BitsAllocated {bits}, "
            f"BitsStored {stored}, HighBit {high}. Convert the series, for example with dcm2niix, and use the .nii.gz."
        )
    return bits


def _rescale(stored: NDArray[Any], file: DicomHeader) -> NDArray[Any]:
    """Convert stored values to HU: integers if slope and intercept are integers."""
    slope, intercept = (file.number(keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
    if all(number.is_integer() and abs(number) < _LARGEST_WHOLE for number in (slope, intercept)):
        whole: NDArray[Any] = stored.astype(np.int64) * int(slope) + int(intercept)
        return whole
    with np.errstate(over="ignore"):  # overflow becomes infinity, which is rejected
        hu: NDArray[Any] = stored.astype(np.float64) * slope + intercept
    return hu


def _read_plain(file: DicomHeader, shape: tuple[int, int], bits: int) -> NDArray[Any]:
    expected = shape[0] * shape[1] * bits // 8
    declared = file.num_bytes or 0
    if declared < expected:
        raise DataError(f"{file.path}: expected {expected:,} bytes of pixels, got {declared:,}. Copy the series again.")
    if declared >= 2 * expected:
        raise DataError(
            f"{file.path}: expected {expected:,} bytes of pixels, got {declared:,}: it contains more than one slice. "
            f"Convert the series, for example with dcm2niix, and use the .nii.gz."
        )
    with open_data_set(file.path) as stream:
        num_bytes = stream.seek(0, io.SEEK_END)
        if file.pixels_start is None or file.pixels_start + declared > num_bytes:
            raise DataError(f"{file.path}: its pixels are damaged or truncated. Copy the series again.")
        stream.seek(file.pixels_start)
        content = stream.read(expected)
    if bits == 32 and file.is_big_endian:
        raise DataError(
            f"{file.path}: 32-bit values in big-endian order are not supported. Convert the series with dcm2niix."
        )
    is_signed = file.text("PixelRepresentation") == "1"
    dtype = np.dtype(f"{'>' if file.is_big_endian else '<'}{'i' if is_signed else 'u'}{bits // 8}")
    return _drop_unused_bits(np.frombuffer(content, dtype).reshape(shape), file, bits)


def _drop_unused_bits(stored: NDArray[Any], file: DicomHeader, bits: int) -> NDArray[Any]:
    """Clear the bits above the stored ones, in which old scanners kept overlays; signed values keep their sign."""
    unused = bits - int(file.number("BitsStored"))
    native = stored.astype(stored.dtype.newbyteorder("="))
    used: NDArray[Any] = np.right_shift(np.left_shift(native, unused), unused)
    return used


def _unpack(file: DicomHeader, shape: tuple[int, int], bits: int) -> NDArray[Any]:
    import SimpleITK
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    syntax = UID(file.transfer_syntax, IGNORE)
    problem = DataError(
        f"{file.path}: its pixels are compressed ({syntax.name}) and cannot be decoded. Decompress the series first, "
        f"for example with gdcmconv --raw, or convert it with dcm2niix and use the .nii.gz."
    )
    if not (syntax.is_transfer_syntax and syntax.is_encapsulated):
        raise DataError(f"{file.path}: its transfer syntax is unknown ({syntax}). Copy the series again.")
    frame = _read_frame(file)
    num_bytes = shape[0] * shape[1] * bits // 8
    if frame is None or num_bytes > max(len(frame) * _MAX_PACKED_RATIO, _SMALL_BYTES):
        raise DataError(f"{file.path}: its pixels are damaged or truncated. Copy the series again.")
    if _packed_shape(frame) not in (None, shape):
        raise problem
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slice.dcm"
        try:
            _write_slice(path, file, frame)
            image = SimpleITK.ReadImage(str(path), imageIO="GDCMImageIO")
        except (RuntimeError, ValueError, AttributeError) as error:
            raise problem from error
    array = SimpleITK.GetArrayFromImage(image)
    if array.shape != (1, *shape):
        raise problem
    pixels: NDArray[Any] = array.reshape(shape)
    return pixels


def _read_frame(file: DicomHeader) -> bytes | None:
    """Read the compressed pixels; None if they are truncated."""
    from pydicom.encaps import generate_frames

    if file.pixels_start is None:
        return None
    with open_data_set(file.path) as stream:
        stream.seek(file.pixels_start)
        num_bytes = min(file.path.stat().st_size, _MAX_PACKED_BYTES)
        packed = io.BytesIO(stream.read(num_bytes))  # a wrong length ends there
    try:
        return next(generate_frames(packed, number_of_frames=1), None)
    except (ValueError, EOFError, LookupError, struct.error):
        return None


def _packed_shape(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns stated in the compressed pixels; None if they state none, as in run-length encoding."""
    start = frame.find(_JPEG_2000, 0, 256)
    if start >= 0:
        x1, y1, x0, y0 = np.frombuffer(frame[start + 8 : start + 24].ljust(16, b"\0"), ">u4").tolist()
        return y1 - y0, x1 - x0
    place = 2 if frame[:2] == b"\xff\xd8" else len(frame)
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        if frame[place + 1] in _JPEG_FRAMES:
            return int.from_bytes(frame[place + 5 : place + 7], "big"), int.from_bytes(
                frame[place + 7 : place + 9], "big"
            )
        place += 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    return None


def _write_slice(path: Path, file: DicomHeader, frame: bytes) -> None:
    """Write a file with only the compressed pixels and the values that describe them."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, generate_uid

    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = UID(file.transfer_syntax)
    content.SOPClassUID, content.SOPInstanceUID = CT_IMAGE, generate_uid()
    content.PhotometricInterpretation, content.SamplesPerPixel = "MONOCHROME2", 1
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        setattr(content, keyword, int(file.number(keyword)))
    content.PixelData = encapsulate([frame])
    content.save_as(path, enforce_file_format=True)
