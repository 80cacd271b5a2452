"""NRRD files (.nrrd): SimpleITK reads the geometry; this module maps or unpacks the voxels.

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
    """Read a .nrrd scan in its storage order; its voxels must be inside the same file.

    Raises:
        ValueError: The header is not understood, or does not agree with the voxels.
        OSError: The file cannot be opened.
    """
    frame, voxels = _read_header(path)
    return replace(frame, hu=convert_to_hu(voxels.read()))


def read_nrrd_frame(path: Path) -> Volume:
    """Read the geometry of a .nrrd scan; raises the errors of `read_nrrd` that header and file size reveal."""
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
    """Read the header with SimpleITK."""
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
    """Read the fields of the header, and the offset of the voxels."""
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
