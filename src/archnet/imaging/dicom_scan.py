"""CT series stored as DICOM, one slice per file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from archnet.errors import DataError
from archnet.imaging.dicom.acquisition import read_acquisition
from archnet.imaging.dicom.dicom_file import dicom_candidates, has_dicom_start
from archnet.imaging.dicom.dicom_header import DicomHeader
from archnet.imaging.dicom.dicom_pixels import read_pixels
from archnet.imaging.dicom.dicom_series import choose_series, describe_class
from archnet.imaging.dicom.slice_stack import Slice, stack
from archnet.imaging.volume import Hu, Volume, convert_to_hu, placeholder_voxels

_HU_TYPES = ("", "HU", "US")


def read_dicom(folder: Path, series: str | None = None) -> Volume:
    """Read the CT series of a folder in HU, with slices sorted by position.

    File names and instance numbers don't matter. Files that are not DICOM are ignored; DICOM objects that are not
    slices of the series are counted in the notes of the volume.

    Args:
        series: The uid, number or description of the series if the folder contains several.

    Raises:
        DataError: There is no series or more than one, or it is not a complete CT scan of evenly spaced slices.
    """
    files, frame = _read_series(folder, series)
    return replace(frame, hu=convert_to_hu(np.stack([_read_slice(file) for file in files])))


def read_dicom_frame(folder: Path, series: str | None = None) -> Volume:
    """Read the geometry of the CT series in a folder from its headers.

    Raises:
        DataError: Errors of `read_dicom` that can be detected from the headers.
    """
    return _read_series(folder, series)[1]


def list_dicom_files(folder: Path, series: str | None = None) -> list[Path]:
    """List the DICOM files of a folder, recognized by their first bytes, sorted; with a series, only its files.

    Raises:
        DataError: There is no such series.
    """
    if series is None:
        return [path for path in dicom_candidates(folder) if has_dicom_start(path)]
    return sorted(file.path for file in choose_series(folder, series)[0])


def _read_series(folder: Path, series: str | None) -> tuple[list[DicomHeader], Volume]:
    """Return the files of a series, sorted by position, and its geometry."""
    files, notes, warnings = choose_series(folder, series)
    for file in files:
        _require_ct(file)
    slices = [_slice(file) for file in files]
    first, *_ = files
    series_uid = first.text("SeriesInstanceUID")
    try:
        box = stack(slices)
        frame = Volume(
            hu=placeholder_voxels(box.shape),
            spacing_mm=box.spacing_mm,
            origin_mm=box.origin_mm,
            direction=box.direction,
            notes=notes,
            warnings=warnings,
            series_uid=series_uid,
            acquisition=read_acquisition(files),
        )
    except ValueError as error:
        raise DataError(f"{folder}: series {series_uid}: {error}.") from error
    return [files[index] for index in box.order], frame


def _require_ct(file: DicomHeader) -> None:
    problem = _modality_problem(file) or _value_problem(file)
    if problem:
        raise DataError(f"{file.path}: {problem}")
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        file.number(keyword)


def _modality_problem(file: DicomHeader) -> str | None:
    """Explain why a file is not a single CT slice; None if it is one."""
    kind = describe_class(file)
    if file.num_frames > 1 or kind.startswith(("Enhanced ", "Legacy Converted Enhanced ")):
        frames = f", {file.num_frames:,} slices" if file.num_frames > 1 else ""
        return (
            f"this is a multi-frame file ({kind}{frames}); only one slice per file is supported. "
            "Convert the series, for example with dcm2niix, and use the .nii.gz."
        )
    if file.text("Modality") != "CT":
        given = file.text("Modality") or "nothing"
        return f"the modality must be CT, got {given}: its values are not Hounsfield units."
    if not file.is_ct:
        return (
            f"expected CT Image Storage, got {kind}: its values may not be Hounsfield units. "
            "If they are, convert the series, for example with dcm2niix, and use the .nii.gz."
        )
    return None


def _value_problem(file: DicomHeader) -> str | None:
    """Explain why the values of a file are not grey values in HU; None if they are."""
    colours = file.text("PhotometricInterpretation")
    if file.text("SamplesPerPixel") != "1" or colours != "MONOCHROME2":
        return f"expected one grey value for each pixel (MONOCHROME2), got {colours or 'nothing'}."
    if file.text("RescaleType") not in _HU_TYPES:
        return f"expected values in HU, got RescaleType {file.text('RescaleType')}."
    return None


def _slice(file: DicomHeader) -> Slice:
    row_mm, column_mm = file.numbers("PixelSpacing", 2)
    x, y, z = file.numbers("ImagePositionPatient", 3)
    return Slice(
        name=file.path.name,
        position_mm=(x, y, z),
        axes=file.numbers("ImageOrientationPatient", 6),
        pixel_mm=(column_mm, row_mm),
        shape=(int(file.number("Rows")), int(file.number("Columns"))),
    )


def _read_slice(file: DicomHeader) -> Hu:
    try:
        return convert_to_hu(read_pixels(file))
    except ValueError as error:
        raise DataError(f"{file.path}: {error}.") from error
