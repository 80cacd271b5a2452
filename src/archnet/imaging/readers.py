"""Scan files: one reader for each format, one frame for all of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from archnet.errors import DataError
from archnet.imaging.dicom import read_dicom
from archnet.imaging.metaimage import read_metaimage
from archnet.imaging.volume import Hu, Point, Volume, as_hu, in_lps

# NIfTI's world is RAS, ours is LPS.
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_volume(path: Path) -> Volume:
    """A scan, stored as close to LPS as its axes allow, whatever its format and storage order.

    Args:
        path: A file, or a folder that holds one DICOM series.

    Raises:
        DataError: The file is missing, damaged or of a format that is not read.
    """
    if path.is_dir():
        return in_lps(read_dicom(path))
    suffix = scan_suffix(path)
    if suffix not in READERS:
        raise DataError(f"{path}: this is not a scan format that is read. Use one of {', '.join(READERS)}.")
    try:
        return in_lps(READERS[suffix](path))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file.") from error
    except (ValueError, OSError, EOFError, RuntimeError, zlib.error) as error:
        raise DataError(f"{path}: {_reason(error)}.") from error


def scan_suffix(path: Path) -> str:
    """The part of a name that tells its format, in lower case; of "a.nii.gz" both endings.

    >>> scan_suffix(Path("CT-0/study_0001.nii.gz"))
    '.nii.gz'
    """
    endings = "".join(path.suffixes[-2:]).lower()
    return endings if endings in READERS else path.suffix.lower()


def read_nifti(path: Path) -> Volume:
    """A .nii or .nii.gz scan, its rescale slope and intercept applied; RAS becomes LPS here and nowhere else."""
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image = nibabel.load(path)
    except ImageFileError as error:
        raise ValueError(f"not a NIfTI file ({error})") from error
    shape = image.shape
    if len(shape) < 3 or any(length != 1 for length in shape[3:]):
        raise ValueError(f"a scan has three axes, this file has {len(shape)}: {shape}")
    hu = as_hu(np.asanyarray(image.dataobj).reshape(shape[:3]))
    return _placed(hu.transpose(2, 1, 0), _RAS_TO_LPS @ image.affine)


def read_nrrd(path: Path) -> Volume:
    """A .nrrd scan with its voxels inside the same file."""
    import SimpleITK

    with path.open("rb") as file:
        header = file.read(65_536).partition(b"\n\n")[0].lower()
    if b"data file:" in header or b"datafile:" in header:
        raise ValueError("its voxels lie in another file; store them inside the .nrrd")
    image = SimpleITK.ReadImage(str(path))
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"a scan has three axes and one value for each voxel, this file has {image.GetSize()}")
    return Volume(
        hu=as_hu(SimpleITK.GetArrayFromImage(image)),
        spacing_mm=image.GetSpacing(),
        origin_mm=image.GetOrigin(),
        direction=np.array(image.GetDirection()).reshape(3, 3),
    )


READERS: dict[str, Callable[[Path], Volume]] = {
    ".mhd": read_metaimage,
    ".mha": read_metaimage,
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".nrrd": read_nrrd,
}


def _placed(hu: Hu, affine: np.ndarray) -> Volume:
    """A volume from its (z, y, x) voxels and the 4 x 4 matrix that takes (x, y, z) indices to LPS millimetres."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or not (spacing > 0).all():
        raise ValueError(f"the affine matrix does not place the voxels in space: {affine.tolist()}")
    return Volume(
        hu=hu, spacing_mm=_point(spacing), origin_mm=_point(affine[:3, 3]), direction=affine[:3, :3] / spacing
    )


def _point(values: np.ndarray) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _reason(error: Exception) -> str:
    """The first line of what a library says, without its own place names and full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if isinstance(error, RuntimeError) else lines[0]).rstrip(".") if lines else type(error).__name__
