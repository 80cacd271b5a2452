"""MetaImage files (.mhd with .raw or .zraw, .mha): strict headers, memory-mapped voxels.

This is ITK's format (https://itk.org/Wiki/ITK/MetaIO/Documentation), in which LUNA16 is published.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archnet.errors import pluralize
from archnet.imaging.volume import Hu, Index, Point, Volume, convert_to_hu, placeholder_voxels
from archnet.imaging.voxels import StoredVoxels, expand_pattern, find_data_file, printable, read_parts

_HEADER_LIMIT: Final = 2**20
# Synonymous keys. ITK takes the first one that is present, in this order; here they must agree.
_ALIASES: Final = {
    "Origin": "Offset",
    "Position": "Offset",
    "Rotation": "TransformMatrix",
    "Orientation": "TransformMatrix",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}
_TYPES: Final = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",  # sizes from ITK's table, independent of the machine
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
# Keys that are used here. Other keys, such as comments, may be repeated.
_USED: Final = frozenset({
    "NDims", "BinaryData", "BinaryDataByteOrderMSB", "CompressedData", "CompressedDataSize", "TransformMatrix",
    "Offset", "ElementSpacing", "ElementSize", "ElementNumberOfChannels", "ElementType", "DimSize", "HeaderSize",
})  # fmt: skip
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_LISTS: Final = ("LIST", "LIST 2", "LIST 2D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaImageHeader:
    """The checked values of a MetaImage header.

    Attributes:
        voxels: One file, or one for each slice.
    """

    voxels: tuple[StoredVoxels, ...]
    spacing_mm: Point
    origin_mm: Point
    direction: NDArray[np.float64]


def read_metaimage(path: Path) -> Volume:
    """Read a .mhd or .mha scan in its storage order; uncompressed voxels are memory-mapped.

    Raises:
        ValueError: The header is invalid or unsupported, or does not match the voxels.
        OSError: A file cannot be opened.
    """
    header = read_header(path)
    return _volume(header, convert_to_hu(read_parts(header.voxels)))


def read_metaimage_frame(path: Path) -> Volume:
    """Read the geometry of a .mhd or .mha scan from its header, and check the size of its data file.

    Raises:
        ValueError: The header is invalid or unsupported, or does not match the size of the data file.
        OSError: A file cannot be opened.
    """
    header = read_header(path)
    for part in header.voxels:
        part.check_size()
    first, *_ = header.voxels
    z, y, x = first.shape
    return _volume(header, placeholder_voxels((z * len(header.voxels), y, x)))


def list_metaimage_files(path: Path) -> list[Path]:
    """List a .mhd or .mha file and the files that hold its voxels, sorted."""
    return sorted({path, *(part.path for part in read_header(path).voxels)})


def read_header(path: Path) -> MetaImageHeader:
    """Read the header of a .mhd or .mha file.

    Raises:
        ValueError: A key is missing, repeated or has an unsupported value.
    """
    fields, rest = _read_fields(path)
    _require(fields, "NDims", "3")
    _require({"ElementNumberOfChannels": "1"} | fields, "ElementNumberOfChannels", "1")
    if not _flag(fields, "BinaryData", default="True"):
        raise ValueError(f"BinaryData must be True, got {fields['BinaryData']}")
    spacing = "ElementSpacing" if "ElementSpacing" in fields or "ElementSize" not in fields else "ElementSize"
    direction = _numbers(fields, "TransformMatrix", 9, "1 0 0 0 1 0 0 0 1")
    return MetaImageHeader(
        voxels=_voxels(path, fields, rest),
        spacing_mm=_point(_numbers(fields, spacing, 3, None)),
        origin_mm=_point(_numbers(fields, "Offset", 3, "0 0 0")),
        direction=np.array(direction).reshape(3, 3).T,  # each row of the file is the direction of one index axis
    )


def write_mhd(path: Path, volume: Volume) -> None:
    """Write `path` (.mhd), and next to it the voxels (.raw), uncompressed and in storage order."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(np.ascontiguousarray(volume.hu).data.cast("B"))  # tofile hides the reason for a failure
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


def _voxels(path: Path, fields: dict[str, str], rest: _Rest) -> tuple[StoredVoxels, ...]:
    x, y, z = (int(word) for word in _words(fields, "DimSize", r"[1-9]\d{0,8}"))
    element = _value(fields, "ElementType")
    if element not in _TYPES:
        raise ValueError(f"ElementType must be one of {', '.join(_TYPES)}, got {element}")
    dtype = np.dtype((">" if _flag(fields, "BinaryDataByteOrderMSB") else "<") + _TYPES[element])
    names = _list_names(_value(fields, "ElementDataFile"), rest.lines, z)
    if names is None:
        return (_part(*_data_location(path, fields, rest.start), (z, y, x), dtype, fields),)
    files = [find_data_file(path, "ElementDataFile", name) for name in names]
    single = {key: value for key, value in fields.items() if key != "CompressedDataSize"}
    return tuple(_part(file, _header_size(fields), (1, y, x), dtype, single) for file in files)


def _part(path: Path, start: int, shape: Index, dtype: np.dtype[Any], fields: dict[str, str]) -> StoredVoxels:
    """The voxels of one file; a start of -1 means that the voxels are at the end of the file."""
    is_packed = _flag(fields, "CompressedData")
    size = path.stat().st_size
    if start < 0:
        start = 0 if is_packed else max(size - math.prod(shape) * dtype.itemsize, 0)
    packed_size = fields.get("CompressedDataSize", str(size - start))
    if is_packed and packed_size != str(size - start):
        raise ValueError(
            f"{path.name} should contain {packed_size} packed bytes (CompressedDataSize), but contains {size - start}; "
            f"copy the scan again"
        )
    return StoredVoxels(path=path, start=start, shape=shape, dtype=dtype, compression="zlib" if is_packed else "plain")


class _Rest(NamedTuple):
    """The rest of the file after the header: the offset of the voxels, or the lines of a list of files."""

    start: int
    lines: list[str]


def _read_fields(path: Path) -> tuple[dict[str, str], _Rest]:
    """Read the keys and values of the header, up to ElementDataFile, which is always the last key."""
    fields: dict[str, str] = {}
    length = 0
    with path.open("rb") as file:
        lines = file.read(_HEADER_LIMIT).splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        length += len(line)
        key, equals, value = (part.strip() for part in re.sub(r"^([^=:]*):", r"\1=", _decode(line)).partition("="))
        if not equals and key:
            raise ValueError(f'every line of a MetaImage header must read "Key = value", got {key[:60]!r}')
        _add_field(fields, _ALIASES.get(key, key), value)
        if key == "ElementDataFile":
            is_list = value in _LISTS
            return fields, _Rest(length, [os.fsdecode(name).strip() for name in lines[number:]] if is_list else [])
    raise ValueError("the header has no ElementDataFile, which ends every MetaImage header")


def _decode(line: bytes) -> str:
    """Decode a line; the bytes of file names are preserved."""
    return os.fsdecode(line) if line.startswith(b"ElementDataFile") else line.decode("latin-1")


def _add_field(fields: dict[str, str], key: str, value: str) -> None:
    given = fields.get(key, value)
    if key in _USED and given != value and _meaning(given) != _meaning(value):
        raise ValueError(f"{key} appears twice in the header, as {given} and as {value}; keep the correct one")
    if key:
        fields[key] = given


def _meaning(value: str) -> list[float] | list[str]:
    words = value.casefold().split()
    try:
        return [float(word) for word in words]
    except ValueError:
        return words


def _list_names(name: str, lines: list[str], num_slices: int) -> Iterable[str] | None:
    """Names of the files with one slice each; None if one file contains all slices."""
    if name.split(" ")[0] == "LIST":
        if name not in _LISTS:
            raise ValueError(f"ElementDataFile = {printable(name)}: a list must name one file for each slice; use LIST")
        names = [line for line in lines if line]
        if len(names) != num_slices:
            raise ValueError(
                f"ElementDataFile = {name} names {pluralize(len(names), 'file')}, but DimSize has "
                f"{pluralize(num_slices, 'slice')}; copy the scan again"
            )
        return names
    return expand_pattern("ElementDataFile", name, num_slices)


def _data_location(path: Path, fields: dict[str, str], header_length: int) -> tuple[Path, int]:
    """The file that contains the voxels, and their offset in it."""
    name = _value(fields, "ElementDataFile")
    if name.upper() == "LOCAL":
        return path, header_length
    return find_data_file(path, "ElementDataFile", name), _header_size(fields)


def _header_size(fields: dict[str, str]) -> int:
    (word,) = _words({"HeaderSize": "0"} | fields, "HeaderSize", r"-1|\d{1,9}")
    return int(word)


def _value(fields: dict[str, str], key: str) -> str:
    if key not in fields:
        raise ValueError(f"the header has no {key}")
    return fields[key]


def _require(fields: dict[str, str], key: str, expected: str) -> None:
    if _value(fields, key) != expected:
        raise ValueError(f"{key} must be {expected}, got {fields[key]}")


def _flag(fields: dict[str, str], key: str, default: str = "False") -> bool:
    word = fields.get(key, default).lower()
    if word not in _FLAGS:
        raise ValueError(f"{key} must be True or False, got {fields[key]}")
    return _FLAGS[word]


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
