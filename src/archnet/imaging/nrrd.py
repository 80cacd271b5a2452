"""NRRD files (.nrrd): SimpleITK reads the geometry; this module maps or unpacks the voxels.

The format is that of G. Kindlmann's Teem: https://teem.sourceforge.net/nrrd/format.html. A header may be detached, with
the voxels in one file or in one file per slice.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from archnet.errors import pluralize
from archnet.imaging.volume import Index, Volume, convert_to_hu, placeholder_voxels
from archnet.imaging.voxels import StoredVoxels, expand_pattern, find_data_file, printable, read_parts

_HEADER_LIMIT: Final = 2**20
_LINE_LIMIT: Final = 1000
"""Maximum number of bytes in a line. Teem crashes when it quotes much longer lines in an error."""
_COMPRESSIONS: Final[dict[str, Literal["plain", "gzip"]]] = {"raw": "plain", "gzip": "gzip", "gz": "gzip"}
_LISTS: Final = ("LIST", "LIST 2")
# Fields of a detached header that locate the voxels. They are hidden from Teem, which reads the other fields.
_PLACES: Final = ("data file", "datafile", "byte skip", "byteskip", "line skip", "lineskip")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The parsed text of a header.

    Attributes:
        fields: Values by field name.
        lines: All lines; the first one is the magic.
        names: Lines of the list of data files.
        end: Offset of the first byte after the header.
    """

    fields: dict[str, str]
    lines: list[str]
    names: list[str]
    end: int

    @property
    def data_file(self) -> str | None:
        """Name of the file that contains the voxels; None if they follow the header."""
        return self.fields.get("data file", self.fields.get("datafile"))

    @property
    def is_big_endian(self) -> bool:
        """Whether the byte order of the voxels is big-endian."""
        return self.fields.get("endian", "").lower() == "big"


def read_nrrd(path: Path) -> Volume:
    """Read a .nrrd scan in its storage order.

    Raises:
        ValueError: The header is invalid or unsupported, or does not match the voxels.
        OSError: The file cannot be opened.
    """
    frame, voxels = _read_header(path)
    return replace(frame, hu=convert_to_hu(read_parts(voxels)))


def read_nrrd_frame(path: Path) -> Volume:
    """Read the geometry of a .nrrd scan; raises the errors of `read_nrrd` that header and file size show."""
    frame, voxels = _read_header(path)
    for part in voxels:
        part.check_size()
    return frame


def list_nrrd_files(path: Path) -> list[Path]:
    """List a .nrrd file and the files that hold its voxels, sorted."""
    return sorted({path, *(part.path for part in _read_header(path)[1])})


def _read_header(path: Path) -> tuple[Volume, tuple[StoredVoxels, ...]]:
    header = _parse_header(path)
    if header.fields.get("dimension") != "3":
        raise ValueError(f"expected three axes, got {header.fields.get('dimension', 'none')}")
    if header.fields.get("encoding", "").lower() not in _COMPRESSIONS:
        given = header.fields.get("encoding", "none")
        raise ValueError(f"encoding must be one of {', '.join(_COMPRESSIONS)}, got {given}")
    information = _read_information(path) if header.data_file is None else _read_detached(header)
    x, y, z = information.GetSize()
    frame = Volume(
        hu=placeholder_voxels((z, y, x)),
        spacing_mm=information.GetSpacing(),
        origin_mm=information.GetOrigin(),
        direction=np.array(information.GetDirection()).reshape(3, 3),
    )
    dtype = _dtype(information.GetPixelID()).newbyteorder("big" if header.is_big_endian else "little")
    return frame, _voxels(path, header, (z, y, x), dtype)


def _voxels(path: Path, header: _Header, shape: Index, dtype: np.dtype[Any]) -> tuple[StoredVoxels, ...]:
    z, y, x = shape
    name = header.data_file
    if name is None:
        return (_part(path, header, header.end, shape, dtype),)
    names = _list_names(name, header.names, z)
    if names is None:
        return (_part(find_data_file(path, "data file", name), header, 0, shape, dtype),)
    files = [find_data_file(path, "data file", one) for one in names]
    return tuple(_part(file, header, 0, (1, y, x), dtype) for file in files)


def _part(path: Path, header: _Header, start: int, shape: Index, dtype: np.dtype[Any]) -> StoredVoxels:
    """The voxels of one file."""
    if any(header.fields.get(key, "0") != "0" for key in ("line skip", "lineskip")):
        raise ValueError("lines before its voxels (line skip) are not supported; remove them")
    skip = header.fields.get("byte skip", header.fields.get("byteskip", "0"))
    packing = _COMPRESSIONS[header.fields["encoding"].lower()]
    if not re.fullmatch(r"\d{1,9}" if packing == "gzip" else r"-1|\d{1,9}", skip):
        raise ValueError(f"byte skip must be a whole number, got {skip}")
    voxels = StoredVoxels(path=path, start=start, shape=shape, dtype=dtype, compression=packing)
    if packing == "gzip":
        return replace(voxels, num_bytes_before=int(skip))
    at_end = max(path.stat().st_size - voxels.num_bytes, start)
    return replace(voxels, start=at_end if skip == "-1" else start + int(skip))


def _list_names(name: str, lines: list[str], num_slices: int) -> Iterable[str] | None:
    """Names of the files with one slice each; None if one file contains all slices."""
    if name.split(" ")[0] != "LIST":
        return expand_pattern("data file", name, num_slices)
    if name not in _LISTS:
        raise ValueError(f"data file: {printable(name)}: a list must name one file for each slice; use LIST")
    if len(lines) != num_slices:
        raise ValueError(
            f"data file: LIST names {pluralize(len(lines), 'file')}, but sizes has {pluralize(num_slices, 'slice')}; "
            f"copy the scan again"
        )
    return lines


def _read_detached(header: _Header) -> Any:
    """Read the geometry of a detached header from a copy that does not refer to other files."""
    lines = [line for line in header.lines if line.split(":")[0].strip().lower() not in _PLACES]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "header.nrrd"
        copy.write_text("\n".join([*lines, "", ""]), encoding="latin-1")
        return _read_information(copy)


def _read_information(path: Path) -> Any:
    """Read the header with SimpleITK."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ValueError("its NRRD header cannot be parsed") from error
    if reader.GetDimension() != 3:  # an axis of components is none of them
        raise ValueError(f"expected three axes and one value for each voxel, got {reader.GetSize()}")
    return reader


def _dtype(pixel_id: int) -> np.dtype[Any]:
    import SimpleITK

    dtype: np.dtype[Any] = SimpleITK.GetArrayViewFromImage(SimpleITK.Image([1, 1, 1], pixel_id)).dtype
    return dtype


def _parse_header(path: Path) -> _Header:
    """Read the fields of a header, which ends with an empty line or, if it is detached, at the end of the file."""
    with path.open("rb") as file:
        text = file.read(_HEADER_LIMIT)
    end = re.search(rb"\r?\n\r?\n", text)
    lines = text[: end.start() if end else None].splitlines()
    if not text.startswith(b"NRRD"):
        raise ValueError("not a NRRD file")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines):
        key, colon, value = line.decode("latin-1").partition(": ")
        key = key.lower()
        is_field = not line.startswith(b"#") and b":=" not in line
        if is_field and key != "content" and len(line) > _LINE_LIMIT:
            raise ValueError(
                f"line {number + 1} of its header has {len(line):,} bytes; at most {_LINE_LIMIT:,} are allowed"
            )
        if not colon or line.startswith(b"#"):
            continue
        is_place = key in ("data file", "datafile")
        fields[key] = os.fsdecode(line.partition(b": ")[2]).strip() if is_place else value.strip()
        if is_place and fields[key].split(" ")[0] == "LIST":
            names = [os.fsdecode(name).strip() for name in lines[number + 1 :] if name.strip()]
            return _Header(fields=fields, lines=_texts(lines[:number]), names=names, end=len(text))
    header = _Header(fields=fields, lines=_texts(lines), names=[], end=end.end() if end else len(text))
    if end is None and header.data_file is None:
        raise ValueError("not a NRRD file")
    return header


def _texts(lines: list[bytes]) -> list[str]:
    return [line.decode("latin-1") for line in lines]
