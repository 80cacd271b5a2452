"""MetaImage files (.mhd with .raw or .zraw, .mha): a strict header, and voxels that stay on disk where they can.

The format is ITK's: https://itk.org/Wiki/ITK/MetaIO/Documentation. LUNA16 is published in it.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Point, Volume, as_hu

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
class Header:
    """What a MetaImage header says, checked.

    Attributes:
        shape: (z, y, x).
        dtype: Of the stored voxels, with their byte order.
        data_path: The file that holds the voxels.
        data_start: Byte at which they begin.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    spacing_mm: Point
    origin_mm: Point
    direction: NDArray[np.float64]
    is_compressed: bool
    data_path: Path
    data_start: int

    @property
    def num_bytes(self) -> int:
        """Bytes of all voxels, uncompressed."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_metaimage(path: Path) -> Volume:
    """A .mhd or .mha scan as it is stored; the voxels of an uncompressed one are a memory map.

    Raises:
        ValueError: The header is not understood, or does not agree with the voxels.
        OSError: A file cannot be opened.
    """
    header = read_header(path)
    stored = _inflated(header) if header.is_compressed else _mapped(header)
    return Volume(
        hu=as_hu(stored), spacing_mm=header.spacing_mm, origin_mm=header.origin_mm, direction=header.direction
    )


def read_header(path: Path) -> Header:
    """The header of a .mhd or .mha file.

    Raises:
        ValueError: A key is missing, repeated or has a value that is not understood.
    """
    fields, length = _fields(path)
    _require(fields, "NDims", "3")
    _require(fields, "ElementNumberOfChannels", "1")
    x, y, z = (int(word) for word in _words(fields, "DimSize", r"[1-9]\d{0,8}"))
    element = _value(fields, "ElementType")
    if element not in _TYPES:
        raise ValueError(f"ElementType must be one of {', '.join(_TYPES)}, got {element}")
    direction = _numbers(fields, "TransformMatrix", 9, "1 0 0 0 1 0 0 0 1")
    data_path, data_start = _data_place(path, fields, length)
    header = Header(
        shape=(z, y, x),
        dtype=np.dtype((">" if _flag(fields, "BinaryDataByteOrderMSB") else "<") + _TYPES[element]),
        spacing_mm=_point(_numbers(fields, "ElementSpacing", 3, None)),
        origin_mm=_point(_numbers(fields, "Offset", 3, "0 0 0")),
        direction=np.array(direction).reshape(3, 3).T,  # a row of the file is the direction of one index axis
        is_compressed=_flag(fields, "CompressedData"),
        data_path=data_path,
        data_start=data_start,
    )
    _require(fields, "BinaryData", "True")
    return header


def write_mhd(path: Path, volume: Volume) -> None:
    """Writes `path` (.mhd) and its voxels beside it (.raw, uncompressed, as they are stored)."""
    raw = path.with_suffix(".raw")
    np.ascontiguousarray(volume.hu).tofile(raw)
    lines = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryData": True,
        "BinaryDataByteOrderMSB": False,
        "CompressedData": False,
        "TransformMatrix": _joined(volume.direction.T.ravel()),
        "Offset": _joined(volume.origin_mm),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": _joined(volume.spacing_mm),
        "DimSize": " ".join(str(length) for length in reversed(volume.hu.shape)),
        "ElementType": "MET_SHORT" if volume.hu.dtype == np.int16 else "MET_FLOAT",
        "ElementDataFile": raw.name,
    }
    path.write_text("".join(f"{key} = {value}\n" for key, value in lines.items()), encoding="ascii")


def _mapped(header: Header) -> NDArray[Any]:
    start = _data_start(header)
    voxels: NDArray[Any] = np.memmap(header.data_path, header.dtype, "r", offset=start, shape=header.shape)
    return voxels


def _inflated(header: Header) -> NDArray[Any]:
    inflater = zlib.decompressobj()
    with header.data_path.open("rb") as file:
        file.seek(max(header.data_start, 0))
        voxels = inflater.decompress(file.read(), header.num_bytes + 1)
    if len(voxels) != header.num_bytes:
        raise ValueError(_size_message(header, "more" if len(voxels) > header.num_bytes else f"{len(voxels):,}"))
    return np.frombuffer(voxels, header.dtype).reshape(header.shape)


def _data_start(header: Header) -> int:
    stored = header.data_path.stat().st_size
    start = stored - header.num_bytes if header.data_start < 0 else header.data_start
    if start < 0 or stored - start != header.num_bytes:
        raise ValueError(_size_message(header, f"{max(stored - max(start, 0), 0):,}"))
    return start


def _size_message(header: Header, found: str) -> str:
    z, y, x = header.shape
    return (
        f"{header.data_path.name} should hold {x} x {y} x {z} voxels of {header.dtype.itemsize} bytes "
        f"({header.num_bytes:,} bytes), but holds {found}; copy the scan again"
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The header's keys with their values, and its length in bytes; ElementDataFile always ends it."""
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
    raise ValueError("the header has no ElementDataFile; is this a MetaImage file?")


def _data_place(path: Path, fields: dict[str, str], header_length: int) -> tuple[Path, int]:
    name = _value(fields, "ElementDataFile")
    skipped = int(_words({"HeaderSize": "0"} | fields, "HeaderSize", r"-1|\d{1,9}")[0])
    if name.upper() == "LOCAL":
        return path, header_length
    if name.upper().startswith("LIST") or "%" in name:
        raise ValueError(f"ElementDataFile = {name}: one file a slice is not read; store the voxels in one .raw file")
    data_path = path.parent / name
    if not data_path.resolve().is_relative_to(path.parent.resolve()):
        raise ValueError(f"ElementDataFile = {name} lies outside the header's folder; put the voxels beside the header")
    if not data_path.is_file():
        raise ValueError(f"ElementDataFile = {name} is not there; the voxels belong beside the header")
    return data_path, skipped


def _value(fields: dict[str, str], key: str) -> str:
    if key not in fields:
        raise ValueError(f"the header has no {key}")
    return fields[key]


def _require(fields: dict[str, str], key: str, only: str) -> None:
    if fields.get(key, only).lower() != only.lower():
        raise ValueError(f"{key} must be {only}, got {fields[key]}")


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


def _joined(numbers: Iterable[float]) -> str:
    return " ".join(repr(float(number)) for number in numbers)
