"""Scan files: one reader per format, one coordinate system for all formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from archnet.errors import DataError
from archnet.imaging.dicom.dicom_file import FETCH_LINKS
from archnet.imaging.dicom_scan import list_dicom_files, read_dicom, read_dicom_frame
from archnet.imaging.metaimage import list_metaimage_files, read_metaimage, read_metaimage_frame
from archnet.imaging.nifti import read_nifti, read_nifti_frame
from archnet.imaging.nrrd import list_nrrd_files, read_nrrd, read_nrrd_frame
from archnet.imaging.volume import NotFiniteError, Volume, orient_to_lps

T = TypeVar("T")

_FILL_WITH_AIR: Final = "Replace these values with air: numpy.nan_to_num(hu, nan=-1000, posinf=-1000, neginf=-1000)."


def read_volume(path: Path, series: str | None = None) -> Volume:
    """Read a scan of any format and storage order, and reorder its axes as close to LPS as possible.

    Args:
        path: A file, or a folder that contains a DICOM series.
        series: The CT series to read in a folder that contains several, by its uid, number or description.

    Raises:
        DataError: The file is missing, damaged or of an unknown format.
    """
    if path.is_dir():
        return orient_to_lps(read_dicom(path, series))
    return orient_to_lps(_apply_reader(path, lambda reader: reader.read(path)))


def read_frame(path: Path, series: str | None = None) -> Volume:
    """Read the geometry of a scan from its headers, with the axes and the notes of `read_volume`.

    Returns:
        A volume of the scan's shape whose voxels are all 0 and take no memory.

    Raises:
        DataError: Errors of `read_volume` that are evident from headers and file sizes.
    """
    return orient_to_lps(read_stored_frame(path, series))


def read_stored_frame(path: Path, series: str | None = None) -> Volume:
    """Read the geometry of a scan from its headers, with its axes in their storage order."""
    if path.is_dir():
        return read_dicom_frame(path, series)
    return _apply_reader(path, lambda reader: reader.read_frame(path))


def list_scan_files(path: Path, series: str | None = None) -> list[Path]:
    """List the files of a scan, sorted: a .mhd with its data files, or the DICOM files of a folder.

    Args:
        series: The DICOM series that `read_volume` reads; only its slices are listed, which requires reading headers.

    Raises:
        DataError: A file is missing, of an unknown format, or its header is invalid.
    """
    if path.is_dir():
        return list_dicom_files(path, series)
    return _apply_reader(path, lambda reader: reader.list_files(path))


def scan_suffix(path: Path) -> str:
    """The lower-case suffix that identifies the format of a scan; ".nii.gz" counts as one suffix.

    >>> scan_suffix(Path("CT-0/study_0001.nii.gz"))
    '.nii.gz'
    """
    endings = "".join(path.suffixes[-2:]).lower()
    return endings if endings in READERS else path.suffix.lower()


class Reader(NamedTuple):
    """The functions that read a format: the whole scan, its geometry alone, and its list of files."""

    read: Callable[[Path], Volume]
    read_frame: Callable[[Path], Volume]
    list_files: Callable[[Path], list[Path]]


def _single_file(path: Path) -> list[Path]:
    path.stat()
    return [path]


READERS: dict[str, Reader] = {
    ".mhd": Reader(read_metaimage, read_metaimage_frame, list_metaimage_files),
    ".mha": Reader(read_metaimage, read_metaimage_frame, list_metaimage_files),
    ".nii": Reader(read_nifti, read_nifti_frame, _single_file),
    ".nii.gz": Reader(read_nifti, read_nifti_frame, _single_file),
    ".nrrd": Reader(read_nrrd, read_nrrd_frame, list_nrrd_files),
}


def _apply_reader(path: Path, read: Callable[[Reader], T]) -> T:
    suffix = scan_suffix(path)
    if suffix == ".nhdr":
        raise DataError(f"{path}: this scan format is not supported. Rename it to {path.stem}.nrrd.")
    if suffix not in READERS:
        raise DataError(f"{path}: this scan format is not supported. Use one of {', '.join(READERS)}.")
    try:
        return read(READERS[suffix])
    except FileNotFoundError as error:
        if path.is_symlink():
            raise DataError(f"{path}: it is a link to a missing file. {FETCH_LINKS}") from error
        raise DataError(f"{path}: there is no such file.") from error
    except OSError as error:
        raise DataError(f"{path}: it cannot be read ({error.strerror or error}).") from error
    except NotFiniteError as error:
        raise DataError(f"{path}: {error}. {_FILL_WITH_AIR}") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from error
