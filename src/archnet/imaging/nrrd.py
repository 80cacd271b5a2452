"""NRRD files (.nrrd): SimpleITK reads where the scan lies; the voxels are mapped or unpacked here.

The format is that of G. Kindlmann's Teem: https://teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from archnet.imaging.volume import Volume, convert_to_hu, placeholder_voxels
from archnet.imaging.voxels import StoredVoxels

_HEADER_LIMIT: Final = 65_536
_COMPRESSIONS: Final[dict[str, Literal["plain", "gzip"]]] = {"raw": "plain", "gzip": "gzip", "gz": "gzip"}


def read_nrrd(path: Path) -> Volume:
    """A .nrrd scan with its voxels inside the same file, as it is stored.

    Raises:
        ValueError: The header is not understood, or does not agree with the voxels.
        OSError: The file cannot be opened.
    """
    frame, voxels = _read_header(path)
    return replace(frame, hu=convert_to_hu(voxels.read()))


def read_nrrd_frame(path: Path) -> Volume:
    """The place of a .nrrd scan, from its header and its size; errors as `read_nrrd`, where these tell."""
    frame, voxels = _read_header(path)
    voxels.check_size()
    return frame


def _read_header(path: Path) -> tuple[Volume, StoredVoxels]:
    fields, start = _read_fields(path)
    if fields.get("dimension") != "3":
        raise ValueError(f"a scan has three axes, this file has {fields.get('dimension', 'none')}")
    information = _read_information(path)
    x, y, z = information.GetSize()
    frame = Volume(
        hu=placeholder_voxels((z, y, x)),
        spacing_mm=information.GetSpacing(),
        origin_mm=information.GetOrigin(),
        direction=np.array(information.GetDirection()).reshape(3, 3),
    )
    dtype = _dtype(information.GetPixelID()).newbyteorder(">" if fields.get("endian", "").lower() == "big" else "<")
    packing = _COMPRESSIONS[fields["encoding"].lower()]
    return frame, StoredVoxels(path=path, start=start, shape=(z, y, x), dtype=dtype, compression=packing)


def _read_information(path: Path) -> Any:
    """A SimpleITK reader that has read the header."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ValueError("its NRRD header is not understood") from error
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
        raise ValueError(f"a scan has three axes and one value for each voxel, this file has {reader.GetSize()}")
    return reader


def _dtype(pixel_id: int) -> np.dtype[Any]:
    import SimpleITK

    dtype: np.dtype[Any] = SimpleITK.GetArrayViewFromImage(SimpleITK.Image([1, 1, 1], pixel_id)).dtype
    return dtype


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """The header's fields, and the byte at which the voxels begin."""
    with path.open("rb") as file:
        text = file.read(_HEADER_LIMIT)
    end = re.search(rb"\r?\n\r?\n", text)
    if not text.startswith(b"NRRD") or end is None:
        raise ValueError("not a NRRD file")
    lines = text[: end.start()].decode("latin-1").splitlines()
    pairs = (line.split(": ", 1) for line in lines if ": " in line and not line.startswith("#"))
    fields = {key.lower(): value.strip() for key, value in pairs}
    if "data file" in fields or "datafile" in fields:
        raise ValueError("its voxels lie in another file; store them inside the .nrrd")
    skips = ("byte skip", "byteskip", "line skip", "lineskip")
    if any(fields.get(key, "0") != "0" for key in skips):
        raise ValueError("its voxels do not follow its header at once (byte skip, line skip); store them so")
    if fields.get("encoding", "").lower() not in _COMPRESSIONS:
        raise ValueError(f"encoding must be one of {', '.join(_COMPRESSIONS)}, got {fields.get('encoding', 'none')}")
    return fields, end.end()
