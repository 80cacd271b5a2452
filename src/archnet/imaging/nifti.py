"""NIfTI files (.nii, .nii.gz): nibabel reads the header; this module maps or unpacks the voxels."""

from __future__ import annotations

import gzip
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Hu, Index, Point, Volume, convert_to_hu, is_orthonormal, placeholder_voxels
from archnet.imaging.voxels import StoredVoxels, open_gzip, translate_errors

# archnet uses LPS world coordinates, NIfTI uses RAS. This matrix converts each to the other.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HEADER_BYTES = (348, 540)
_GZIP_MARK = b"\x1f\x8b"
# Units by header code, in mm. Missing and unknown units are assumed to be millimetres.
_UNITS = {1: ("metres", 1000.0), 3: ("micrometres", 0.001)}
# Plausible lengths of a scan whose unit is not mm: 1 cm to 10 m.
_SIZES_MM = (10.0, 1e4)
_NOT_PLACED = (
    "Neither sform nor qform gives the orientation of the scan: its axes are assumed to point left, anterior and "
    "superior."
)
_BYTE_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")

# nibabel repairs small faults of a header and logs each; other faults raise an exception anyway.
_QUIET = logging.Logger("quiet")
_QUIET.addHandler(logging.NullHandler())


def read_nifti(path: Path) -> Volume:
    """Read a .nii or .nii.gz scan in its storage order, and apply its rescale slope and intercept.

    Raises:
        ValueError: The header is not understood, or does not agree with the voxels.
        OSError: The file cannot be opened.
    """
    frame, voxels, header = _read_header(path)
    return replace(frame, hu=convert_to_hu(_rescale(voxels.read(), *header.get_slope_inter())))


def read_nifti_frame(path: Path) -> Volume:
    """Read the geometry of a NIfTI scan; raises the errors of `read_nifti` that header and file size show."""
    frame, voxels, _ = _read_header(path)
    voxels.check_size()
    return frame


def write_nifti(path: Path, volume: Volume) -> None:
    """Write a .nii.gz scan; its bytes depend only on the volume.

    Args:
        volume: A volume stored in LPS. The file stores it as left, anterior, superior (LAS); from such a file, the
            steps of the CT tutorial produce the array that `resize_volume` returns.
    """
    reversed_rows = np.diag([1.0, -1.0, 1.0, 1.0])
    reversed_rows[1, 3] = volume.hu.shape[1] - 1
    _write(path, volume.hu[:, ::-1], _affine(volume) @ reversed_rows)


def write_nifti_as_stored(path: Path, volume: Volume) -> None:
    """Write a .nii.gz scan with the axis order and directions of the volume."""
    _write(path, volume.hu, _affine(volume))


def _affine(volume: Volume) -> NDArray[np.float64]:
    """The 4 x 4 matrix that maps (x, y, z) indices to LPS millimetres."""
    affine = np.eye(4)
    affine[:3, :3] = volume.direction * np.asarray(volume.spacing_mm)
    affine[:3, 3] = volume.origin_mm
    return affine


def _write(path: Path, values: Hu, affine: NDArray[np.float64]) -> None:
    import nibabel

    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), _LPS_TO_RAS @ affine)
    image.header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))


def _read_header(path: Path) -> tuple[Volume, StoredVoxels, Any]:
    """Read the geometry of a scan, the location of its voxels, and nibabel's header."""
    is_packed = path.suffix.lower() == ".gz"
    _check_name(path, is_packed)
    with path.open("rb") as file, translate_errors(path, "gzip"):
        header = _parse_header((open_gzip(file) if is_packed else file).read(max(_HEADER_BYTES)))
    shape = _shape(header)
    offset = max(header.get_data_offset(), header.single_vox_offset)
    voxels = StoredVoxels(
        path=path,
        start=0 if is_packed else offset,
        shape=shape,
        dtype=header.get_data_dtype(),
        compression="gzip" if is_packed else "plain",
        num_bytes_before=offset,
    )
    return _place(header, shape), voxels, header


def _check_name(path: Path, is_packed: bool) -> None:
    """Reject a file whose extension does not match its compression."""
    with path.open("rb") as file:
        start = file.read(4)
    if is_packed and any(int.from_bytes(start, order) in _HEADER_BYTES for order in _BYTE_ORDERS):
        raise ValueError(f"its name ends in .nii.gz but it is not compressed; rename it to {path.stem}")
    if not is_packed and start[:2] == _GZIP_MARK:
        raise ValueError(f"its name ends in .nii but it is compressed; rename it to {path.name}.gz")


def _place(header: Any, shape: Index) -> Volume:
    """The geometry of a scan, converted from the unit of the header to millimetres."""
    unit, unit_mm = _UNITS.get(int(header["xyzt_units"]) & 7, ("millimetres", 1.0))
    with np.errstate(invalid="ignore", over="ignore"):  # numbers that are not finite are rejected in `_build_volume`
        affine = _LPS_TO_RAS @ header.get_best_affine()
        affine[:3] *= unit_mm
        size_mm = np.linalg.norm(affine[:, :3] * np.asarray(shape[::-1]), axis=0).max()
    if unit_mm != 1 and np.isfinite(size_mm) and not _SIZES_MM[0] <= size_mm <= _SIZES_MM[1]:
        raise ValueError(
            f"its header gives lengths in {unit}, which makes the scan {size_mm:,.6g} mm long; if they are "
            f'millimetres, set the unit with nibabel: image.header.set_xyzt_units("mm")'
        )
    is_placed = bool(header["sform_code"]) or bool(header["qform_code"])
    return replace(_build_volume(placeholder_voxels(shape), affine), warnings=() if is_placed else (_NOT_PLACED,))


def _shape(header: Any) -> Index:
    shape = header.get_data_shape()
    if len(shape) < 3 or any(length != 1 for length in shape[3:]):
        raise ValueError(f"expected three axes, got {len(shape)}: {shape}")
    if min(shape) < 1:
        raise ValueError(f"expected at least one voxel along each axis, got {shape[:3]}")
    x, y, z = shape[:3]
    return z, y, x


def _parse_header(block: bytes) -> Any:
    """Parse a NIfTI-1 or NIfTI-2 header with nibabel, which repairs small faults."""
    from nibabel import Nifti1Header, Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    lengths = [int.from_bytes(block[:4], order) for order in _BYTE_ORDERS]
    kind = next((kind for kind in (Nifti1Header, Nifti2Header) if kind.sizeof_hdr in lengths), None)
    if kind is None:
        raise ValueError("not a NIfTI file")
    if len(block) < kind.sizeof_hdr:
        raise EOFError
    try:
        header = kind(block[: kind.sizeof_hdr], check=False)
        header.check_fix(_QUIET)
        header.get_data_offset(), header.get_slope_inter(), header.get_best_affine(), header.get_data_shape()
    except (HeaderDataError, OverflowError, ValueError) as error:
        raise ValueError(f"its NIfTI header cannot be parsed ({error})") from error
    return header


def _rescale(stored: NDArray[Any], slope: float | None, intercept: float | None) -> NDArray[Any]:
    """Convert stored values to HU; slope and intercept are None if the header has no valid slope."""
    if slope is None or intercept is None or (slope, intercept) == (1.0, 0.0):
        return stored
    with np.errstate(over="ignore", invalid="ignore"):  # overflow becomes infinity, which is rejected
        hu: NDArray[Any] = stored * np.float32(slope) + np.float32(intercept)
    return hu


def _build_volume(hu: Hu, affine: NDArray[np.float64]) -> Volume:
    """Build a volume from its (z, y, x) voxels and the 4 x 4 matrix that maps (x, y, z) indices to LPS millimetres."""
    with np.errstate(over="ignore"):
        spacing = np.linalg.norm(affine[:, :3], axis=0)
    if not np.isfinite(affine).all() or not (spacing > 0).all():
        raise ValueError(
            f"the affine matrix does not place the voxels in space: {affine.tolist()}; write the correct one with "
            f"nibabel: image.set_sform(affine)"
        )
    if np.isfinite(spacing).all() and not is_orthonormal(affine[:, :3] / spacing):
        raise ValueError(
            f"its axes are sheared, got the affine matrix {affine.tolist()}; straighten it with nibabel: "
            f"nibabel.processing.resample_to_output(image)"
        )
    return Volume(
        hu=hu, spacing_mm=_point(spacing), origin_mm=_point(affine[:3, 3]), direction=affine[:3, :3] / spacing
    )


def _point(values: NDArray[np.float64]) -> Point:
    x, y, z = values.tolist()
    return x, y, z
