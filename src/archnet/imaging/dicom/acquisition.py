"""The acquisition of a DICOM series, from the headers of its slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from archnet.files.terminal_text import escape_name
from archnet.imaging.dicom.dicom_header import DicomHeader

ACQUISITION_COLUMNS: Final = ("slice_thickness_mm", "scanner", "kernel", "tube_voltage_kv")

_MAX_LENGTH: Final = 64


def read_acquisition(files: Sequence[DicomHeader]) -> dict[str, str]:
    """Return the acquisition parameters that all slices of a series share, by the names of `ACQUISITION_COLUMNS`.

    The scanner is described by its manufacturer and model. Values that are missing, differ between slices, or are not
    positive where a positive number is expected are omitted.
    """
    scanner = " ".join(
        filter(None, [_shared_text(files, "Manufacturer"), _shared_text(files, "ManufacturerModelName")])
    )
    values = {
        "slice_thickness_mm": _shared_number(files, "SliceThickness"),
        "scanner": scanner,
        "kernel": _shared_text(files, "ConvolutionKernel"),
        "tube_voltage_kv": _shared_number(files, "KVP"),
    }
    return {name: value for name, value in values.items() if value}


def _shared_text(files: Sequence[DicomHeader], keyword: str) -> str:
    """Return the text that all slices share; empty if there is none."""
    texts = {_text(file, keyword) for file in files}
    return texts.pop()[:_MAX_LENGTH] if len(texts) == 1 else ""


def _text(file: DicomHeader, keyword: str) -> str:
    value = file.values[keyword]
    parts = [file.text(keyword)] if isinstance(value, str) or not hasattr(value, "__iter__") else list(map(str, value))
    return escape_name(" ".join(" ".join(parts).split()))


def _shared_number(files: Sequence[DicomHeader], keyword: str) -> str:
    try:
        number = float(_shared_text(files, keyword))
    except ValueError:
        return ""
    return f"{number:.6g}" if math.isfinite(number) and number > 0 else ""
