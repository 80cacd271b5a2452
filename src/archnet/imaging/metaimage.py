"""MetaImage files (.mhd with .raw or .zraw, .mha): strict headers, memory-mapped voxels.

The format is ITK's: https://itk.org/Wiki/ITK/MetaIO/Documentation. LUNA16 is published in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Hu, Point, Volume, convert_to_hu, placeholder_voxels
from archnet.imaging.voxels import StoredVoxels

_HEADER_LIMIT = 65_536
_ALIASES = {
    "Position": "Offset",
    "Origin": "Offset",
    "Orientation": "TransformMatrix",
    "Rotation": "TransformMatrix",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaImageHeader:
    """The checked values of a MetaImage header."""

    voxels: StoredVoxels
    spacing_mm: Point
    origin_mm: Point
    direction: NDArray[np.float64]


def read_metaimage(path: Path) -> Volume:
    """Read a .mhd or .mha scan in its storage order; uncompressed voxels are memory-mapped.

    Raises:
        ValueError: The header is not understood, or does not agree with the voxels.
        OSError: A file cannot be opened.
    """
    header = read_header(path)
    return _volume(header, convert_to_hu(header.voxels.read()))


def read_metaimage_frame(path: Path) -> Volume:
    """Read the geometry of a .mhd or .mha scan from its header, and check the size of its data file.

    Raises:
        ValueError: The header is not understood, or cannot agree with a data file of this size.
        OSError: A file cannot be opened.
    """
    header = read_header(path)
    header.voxels.check_size()
    return _volume(header, placeholder_voxels(header.voxels.shape))


def list_metaimage_files(path: Path) -> list[Path]:
    """List a .mhd or .mha file and the file that holds its voxels, sorted."""
    return sorted({path, read_header(path).voxels.path})


def read_header(path: Path) -> MetaImageHeader:
    """Read the header of a .mhd or .mha file.

    Raises:
        ValueError: A key is missing, repeated or has a value that is not understood.
    """
    fields, length = _read_fields(path)
    for key, expected in {"NDims": "3", "ElementNumberOfChannels": "1", "BinaryData": "True"}.items():
        _require(fields, key, expected)
    direction = _numbers(fields, "TransformMatrix", 9, "1 0 0 0 1 0 0 0 1")
    return MetaImageHeader(
        voxels=_voxels(path, fields, length),
        spacing_mm=_point(_numbers(fields, "ElementSpacing", 3, None)),
        origin_mm=_point(_numbers(fields, "Offset", 3, "0 0 0")),
        direction=np.array(direction).reshape(3, 3).T,  # a row of the file is the direction of one index axis
    )


def write_mhd(path: Path, volume: Volume) -> None:
    """Write `path` (.mhd), and the voxels uncompressed and in their storage order beside it (.raw)."""
    raw = path.with_suffix(".raw")
    np.ascontiguousarray(volume.hu).tofile(raw)
    lines = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryData": True,
        "BinaryDataByteOrderMSB": False,
        "CompressedData": False,
        "TransformMatrix": _format_numbers(volume.direction.T.ravel()),
        "Offset": _format_numbers(volume.origin_mm),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": _format_numbers(volume.spacing_mm),
        "DimSize": " ".join(str(length) for length in reversed(volume.hu.shape)),
        "ElementType": "MET_SHORT" if volume.hu.dtype == np.int16 else "MET_FLOAT",
        "ElementDataFile": raw.name,
    }
    path.write_text("".join(f"{key} = {value}\n" for key, value in lines.items()), encoding="ascii")


def _volume(header: MetaImageHeader, hu: Hu) -> Volume:
    return Volume(hu=hu, spacing_mm=header.spacing_mm, origin_mm=header.origin_mm, direction=header.direction)


def _voxels(path: Path, fields: dict[str, str], length: int) -> StoredVoxels:
    x, y, z = (int(word) for word in _words(fields, "DimSize", r"[1-9]\d{0,8}"))
    element = _value(fields, "ElementType")
    if element not in _TYPES:
        raise ValueError(f"ElementType must be one of {', '.join(_TYPES)}, got {element}")
    dtype = np.dtype((">" if _flag(fields, "BinaryDataByteOrderMSB") else "<") + _TYPES[element])
    is_packed = _flag(fields, "CompressedData")
    data_path, start = _data_location(path, fields, length)
    size = data_path.stat().st_size
    if start < 0:
        start = 0 if is_packed else max(size - x * y * z * dtype.itemsize, 0)
    packed_size = fields.get("CompressedDataSize", str(size - start))
    if is_packed and packed_size != str(size - start):
        raise ValueError(
            f"{data_path.name} should hold {packed_size} packed bytes (CompressedDataSize), but holds {size - start}; "
            f"copy the scan again"
        )
    return StoredVoxels(
        path=data_path, start=start, shape=(z, y, x), dtype=dtype, compression="zlib" if is_packed else "plain"
    )


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Read the keys of the header with their values, and its length in bytes; ElementDataFile always ends it."""
    fields: dict[str, str] = {}
    length = 0
    with path.open("rb") as file:
        for line in file.read(_HEADER_LIMIT).splitlines(keepends=True):
            length += len(line)
            key, equals, value = (part.strip() for part in line.decode("latin-1").partition("="))
            if not equals and key:
                raise ValueError(f'every line of a MetaImage header reads "Key = value", got {key[:60]!r}')
            key = _ALIASES.get(key, key)
            if key in fields:
                raise ValueError(f"{key} stands twice in the header")
            if key:
                fields[key] = value
            if key == "ElementDataFile":
                return fields, length
    raise ValueError("the header has no ElementDataFile, which ends every MetaImage header")


def _data_location(path: Path, fields: dict[str, str], header_length: int) -> tuple[Path, int]:
    name = _value(fields, "ElementDataFile")
    header_size = int(_words({"HeaderSize": "0"} | fields, "HeaderSize", r"-1|\d{1,9}")[0])
    if name.upper() == "LOCAL":
        return path, header_length
    if name.upper().startswith("LIST") or "%" in name:
        raise ValueError(f"ElementDataFile = {name}: one file a slice is not read; store the voxels in one .raw file")
    data_path = path.parent / name
    if not data_path.resolve().is_relative_to(path.parent.resolve()):
        outside = "is a link out of" if data_path.is_symlink() else "lies outside"
        raise ValueError(f"ElementDataFile = {name} {outside} the header's folder; put the voxels beside the header")
    if not data_path.is_file():
        raise ValueError(f"ElementDataFile = {name} is not there; the voxels belong beside the header")
    return data_path, header_size


def _value(fields: dict[str, str], key: str) -> str:
    if key not in fields:
        raise ValueError(f"the header has no {key}")
    return fields[key]


def _require(fields: dict[str, str], key: str, expected: str) -> None:
    if fields.get(key, expected).lower() != expected.lower():
        raise ValueError(f"{key} must be {expected}, got {fields[key]}")


def _flag(fields: dict[str, str], key: str) -> bool:
    word = fields.get(key, "False").lower()
    if word not in ("true", "false"):
        raise ValueError(f"{key} must be True or False, got {fields[key]}")
    return word == "true"


def _words(fields: dict[str, str], key: str, pattern: str) -> list[str]:
    words = _value(fields, key).split()
    count = 1 if key == "HeaderSize" else 3
    if len(words) != count or not all(re.fullmatch(pattern, word) for word in words):
        raise ValueError(f"{key} must be {count} whole number{'s' * (count > 1)}, got {fields[key]}")
    return words


def _numbers(fields: dict[str, str], key: str, count: int, default: str | None) -> list[float]:
    text = _value(fields, key) if default is None else fields.get(key, default)
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{key} must be {count} numbers, got {text}")
    return numbers


def _point(numbers: list[float]) -> Point:
    x, y, z = numbers
    return x, y, z


def _format_numbers(numbers: Iterable[float]) -> str:
    return " ".join(repr(float(number)) for number in numbers)
