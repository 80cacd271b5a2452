"""Choose the series to read among the DICOM objects of a folder, and report the other objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from archnet.errors import DataError, did_you_mean, pluralize
from archnet.imaging.dicom.dicom_file import dicom_candidates, has_dicom_start
from archnet.imaging.dicom.dicom_header import DicomHeader, read_headers

# Maximum number of localizers, which are not parallel to the other images.
_MAX_SCOUTS: Final = 3
_PARALLEL: Final = 0.5
_SCOUT: Final = "scout"

Series = dict[str, list[DicomHeader]]


def choose_series(folder: Path, wanted: str | None) -> tuple[list[DicomHeader], tuple[str, ...], tuple[str, ...]]:
    """Return the files of one CT series, notes on other objects in the folder, and warnings.

    A CT series has at least two parallel slices. Other objects (reports, scouts, masks, doses, images of other
    modalities) are ignored.

    Args:
        wanted: The uid, number or description of the series; None if the folder contains only one.

    Raises:
        DataError: There is no such series, or more than one.
    """
    headers = read_headers(folder)
    images = _by_series([file for file in headers if file.is_ct and not file.is_localizer])
    scans = {uid: files for uid, files in images.items() if _forms_scan(files)} or images
    if not scans:
        return _without_ct(folder, headers), (), ()
    uid = _find_series(folder, images, wanted) if wanted else _single_series(folder, scans)
    scouts = set(_scouts(images[uid]))
    files = [file for file in images[uid] if file not in scouts] + [file for file in headers if _is_misfit(file, uid)]
    known = set(files) | (set(_flat(scans)) - scouts)
    others = [file for file in headers if file not in known]
    return files, (*_note(others), *_note_stray(files)), _warn_of_broken(folder, headers)


def describe_class(file: DicomHeader) -> str:
    """The name of the SOP class of an object."""
    from pydicom.config import IGNORE
    from pydicom.uid import UID

    return UID(file.text("SOPClassUID"), IGNORE).name or "nothing"


def _by_series(files: Sequence[DicomHeader]) -> Series:
    series: Series = {}
    for file in files:
        series.setdefault(file.text("SeriesInstanceUID"), []).append(file)
    return series


def _flat(series: Series) -> list[DicomHeader]:
    return [file for files in series.values() for file in files]


def _without_ct(folder: Path, headers: Sequence[DicomHeader]) -> list[DicomHeader]:
    """Return images that are not CT, for which the reader reports the reason; raise an error if there are none."""
    images = [file for file in headers if file.is_slice]
    if images:
        return images
    if headers:
        raise DataError(f"{folder}: found no CT slices, only {_count_kinds(headers)}. Give the folder of the series.")
    raise DataError(f"{folder}: found no DICOM files. A series needs its own folder, with one file for each slice.")


def _single_series(folder: Path, scans: Mapping[str, list[DicomHeader]]) -> str:
    if len(scans) > 1:
        raise DataError(
            f"{folder}: contains {len(scans)} series: {_describe_all(scans)}. Choose one by its uid, number or "
            f"description with data.series or --series, or move each to its own folder."
        )
    return next(iter(scans))


def _find_series(folder: Path, images: Mapping[str, list[DicomHeader]], wanted: str) -> str:
    if wanted in images:
        return wanted
    named = {uid: _names(files) for uid, files in images.items()}
    matches = [uid for uid, names in named.items() if wanted.strip().casefold() in names]
    if not matches:
        known = {*images, *(file.text("SeriesDescription") for file in _flat(dict(images)))}
        hint = did_you_mean(wanted, known)
        raise DataError(f'{folder}: there is no series "{wanted}" here.{hint} Found: {_describe_all(images)}.')
    if len(matches) > 1:
        raise DataError(
            f'{folder}: "{wanted}" matches {len(matches)} series: '
            f"{_describe_all({uid: images[uid] for uid in matches})}. "
            f"Choose one by its uid with data.series or --series."
        )
    return matches.pop()


def _names(files: Sequence[DicomHeader]) -> set[str]:
    """Names of a series in addition to its uid: its number and its description."""
    return {file.text(key).casefold() for file in files for key in ("SeriesNumber", "SeriesDescription")} - {""}


def _describe_all(series: Mapping[str, list[DicomHeader]]) -> str:
    return "; ".join(_describe_series(uid, files) for uid, files in sorted(series.items()))


def _describe_series(uid: str, files: Sequence[DicomHeader]) -> str:
    """Describe a series for messages, by the most frequent values of its files."""
    modality, description = (
        Counter(file.text(keyword) for file in files).most_common(1)[0][0]
        for keyword in ("Modality", "SeriesDescription")
    )
    return f'{uid} ({modality or "no modality"}, "{description or "no description"}", {pluralize(len(files), "slice")})'


def _forms_scan(files: Sequence[DicomHeader]) -> bool:
    return len(files) - len(_scouts(files)) > 1


def _scouts(files: Sequence[DicomHeader]) -> list[DicomHeader]:
    """Find the few images of a series that are not parallel to the others."""
    normals = [_normal(file) for file in files]
    known = [normal for normal in normals if normal is not None]
    if not known:
        return []
    counts = [sum(abs(float(other @ normal)) > _PARALLEL for other in known) for normal in known]
    usual = known[int(np.argmax(counts))]
    across = [
        file
        for file, normal in zip(files, normals, strict=True)
        if normal is not None and abs(float(normal @ usual)) <= _PARALLEL
    ]
    return across if len(across) <= min(_MAX_SCOUTS, len(files) // 2) else []


def _normal(file: DicomHeader) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    try:
        axes = np.reshape(file.numbers("ImageOrientationPatient", 6), (2, 3))
    except DataError:
        return None
    normal = np.cross(*axes)
    length = float(np.linalg.norm(normal))
    return normal / length if 0 < length < np.inf else None


def _is_misfit(file: DicomHeader, uid: str) -> bool:
    """Whether an object looks like a slice of the series but has a different SOP class, which the reader rejects."""
    return file.is_slice and not file.is_ct and file.text("SeriesInstanceUID") == uid


def _note(others: Sequence[DicomHeader]) -> tuple[str, ...]:
    if not others:
        return ()
    verb = "is" if len(others) == 1 else "are"
    return (f"{pluralize(len(others), 'DICOM file')} next to the slices {verb} not read: {_count_kinds(others)}.",)


def _warn_of_broken(folder: Path, headers: Sequence[DicomHeader]) -> tuple[str, ...]:
    """Warn about files without a DICM prefix that may be damaged slices."""
    known = {file.path for file in headers}
    broken = [path for path in dicom_candidates(folder) if path not in known and has_dicom_start(path)]
    if not broken:
        return ()
    verb = ("begins", "is") if len(broken) == 1 else ("begin", "are")
    return (f"{pluralize(len(broken), 'file')} {verb[0]} like DICOM but cannot be parsed and {verb[1]} skipped.",)


def _note_stray(files: Sequence[DicomHeader]) -> tuple[str, ...]:
    number = sum(file.has_stray_bytes for file in files)
    if number == 0:
        return ()
    return (f"Stray bytes after the pixels of {pluralize(number, 'slice')} are ignored.",)


def _count_kinds(files: Sequence[DicomHeader]) -> str:
    counts = sorted(Counter(map(_kind, files)).items())
    return ", ".join(pluralize(number, kind) if kind == _SCOUT else f"{number:,} {kind}" for kind, number in counts)


def _kind(file: DicomHeader) -> str:
    if file.is_localizer:
        return _SCOUT
    return file.text("Modality") or describe_class(file)
