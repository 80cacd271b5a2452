"""CT series stored as DICOM, one slice a file. SimpleITK (GDCM) reads the pixels."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from archnet.errors import DataError, did_you_mean
from archnet.imaging.dicom_header import DicomHeader, read_headers
from archnet.imaging.slice_stack import Slice, stack
from archnet.imaging.volume import Hu, Volume, convert_to_hu, placeholder_voxels

_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_HU_TYPES = ("", "HU", "US")


def read_dicom(folder: Path, series_uid: str | None = None) -> Volume:
    """Read the CT series of a folder in HU, with its slices in the order of their positions.

    File names and instance numbers don't matter, and files that are not DICOM are ignored.

    Args:
        series_uid: Which series, where the folder holds several.

    Raises:
        DataError: There is no series or more than one, or it is not a complete CT scan of evenly spaced slices.
    """
    files, frame = _read_series(folder, series_uid)
    try:
        return replace(frame, hu=convert_to_hu(np.stack([_read_pixels(file) for file in files])))
    except ValueError as error:
        raise DataError(f"{folder}: series {files[0].text('SeriesInstanceUID')}: {error}.") from error


def read_dicom_frame(folder: Path) -> Volume:
    """Read the geometry of the only CT series of a folder from its headers.

    Raises:
        DataError: The errors of `read_dicom` that the headers reveal.
    """
    return _read_series(folder, None)[1]


def _read_series(folder: Path, series_uid: str | None) -> tuple[list[DicomHeader], Volume]:
    """The files of a series in the order of their positions, and its geometry."""
    files = _select_series(folder, series_uid)
    for file in files:
        _require_ct(file)
    slices = [_slice(file) for file in files]
    try:
        box = stack(slices)
        frame = Volume(
            hu=placeholder_voxels((len(slices), *slices[0].shape)),
            spacing_mm=box.spacing_mm,
            origin_mm=box.origin_mm,
            direction=box.direction,
        )
    except ValueError as error:
        raise DataError(f"{folder}: series {files[0].text('SeriesInstanceUID')}: {error}.") from error
    return [files[index] for index in box.order], frame


def _select_series(folder: Path, series_uid: str | None) -> list[DicomHeader]:
    series: dict[str, list[DicomHeader]] = {}
    for file in read_headers(folder):
        series.setdefault(file.text("SeriesInstanceUID"), []).append(file)
    if not series:
        raise DataError(f"{folder}: no DICOM files are here. A series lies in one folder, one file a slice.")
    descriptions = "; ".join(_describe_series(uid, files) for uid, files in sorted(series.items()))
    if series_uid is None and len(series) > 1:
        raise DataError(
            f"{folder}: {len(series)} series are here: {descriptions}. "
            f"Give each a folder of its own, or name the one to read: series_uid."
        )
    wanted = next(iter(series)) if series_uid is None else series_uid
    if wanted not in series:
        raise DataError(
            f'{folder}: there is no series "{wanted}" here.{did_you_mean(wanted, series)} Found: {descriptions}.'
        )
    return series[wanted]


def _describe_series(uid: str, files: list[DicomHeader]) -> str:
    """A short description of a series for messages, by the most frequent values of its files."""
    modality, description = (
        Counter(file.text(keyword) for file in files).most_common(1)[0][0]
        for keyword in ("Modality", "SeriesDescription")
    )
    count = f"{len(files)} slice{'s' * (len(files) > 1)}"
    return f'{uid} ({modality or "no modality"}, "{description or "no description"}", {count})'


def _require_ct(file: DicomHeader) -> None:
    problem = _modality_problem(file) or _value_problem(file)
    if problem:
        raise DataError(f"{file.path}: {problem}")
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        file.numbers(keyword, 1)


def _modality_problem(file: DicomHeader) -> str | None:
    """Why a file is not one slice of a CT, if so."""
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    if file.text("Modality") != "CT":
        given = file.text("Modality") or "nothing"
        return f"the modality must be CT, got {given}: its values are not Hounsfield units."
    if file.text("SOPClassUID") != _CT_IMAGE:
        kind = UID(file.text("SOPClassUID"), IGNORE).name or "nothing"
        return (
            f"expected CT Image Storage, one slice a file, got {kind}. "
            "Convert the series, for example with dcm2niix, and use the .nii.gz."
        )
    return None


def _value_problem(file: DicomHeader) -> str | None:
    """Why a file's values are not grey values in HU, if so."""
    colours = file.text("PhotometricInterpretation")
    if file.text("SamplesPerPixel") != "1" or colours != "MONOCHROME2":
        return f"expected one grey value for each pixel (MONOCHROME2), got {colours or 'nothing'}."
    if file.text("RescaleType") not in _HU_TYPES:
        return f"expected values in HU, got RescaleType {file.text('RescaleType')}."
    return None


def _slice(file: DicomHeader) -> Slice:
    row_mm, column_mm = file.numbers("PixelSpacing", 2)
    x, y, z = file.numbers("ImagePositionPatient", 3)
    (rows,), (columns,) = file.numbers("Rows", 1), file.numbers("Columns", 1)
    return Slice(
        name=file.path.name,
        position_mm=(x, y, z),
        axes=file.numbers("ImageOrientationPatient", 6),
        pixel_mm=(column_mm, row_mm),
        shape=(int(rows), int(columns)),
    )


def _read_pixels(file: DicomHeader) -> Hu:
    """Read one slice in HU, (y, x), and apply its rescale slope and intercept."""
    import SimpleITK
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    syntax = UID(file.transfer_syntax, IGNORE)
    is_compressed = syntax.is_transfer_syntax and syntax.is_encapsulated
    # GDCM fills up what is missing with whatever lies in memory.
    if not is_compressed and (file.num_bytes or 0) < _num_expected_bytes(file):
        raise DataError(
            f"{file.path}: {_num_expected_bytes(file):,} bytes of pixels were expected, got {file.num_bytes or 0:,}. "
            f"Copy the series again."
        )
    try:
        image = SimpleITK.ReadImage(str(file.path), imageIO="GDCMImageIO")
    except RuntimeError as error:
        if is_compressed:
            raise DataError(
                f"{file.path}: its pixels are compressed ({syntax.name}) and cannot be decoded. Decompress the series "
                f"first, for example with gdcmconv --raw, or convert it with dcm2niix and use the .nii.gz."
            ) from error
        raise DataError(f"{file.path}: its pixels are damaged or cut off. Copy the series again.") from error
    try:
        return convert_to_hu(SimpleITK.GetArrayFromImage(image)[0])
    except ValueError as error:
        raise DataError(f"{file.path}: {error}.") from error


def _num_expected_bytes(file: DicomHeader) -> int:
    return math.prod(int(file.numbers(keyword, 1)[0]) for keyword in ("Rows", "Columns", "BitsAllocated")) // 8
