"""Attributes of cases from scan headers: spacing, size, and DICOM acquisition parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.files.attribute_values import Attribute
from archnet.imaging import Volume
from archnet.imaging.dicom.acquisition import ACQUISITION_COLUMNS

_DIGITS: Final = 6
"""Number of decimals of a spacing: headers store equal spacings with different rounding errors."""


def scan_columns(frames: Sequence[Volume], scan_of_case: NDArray[np.int64]) -> dict[str, Attribute]:
    """One value per case for each attribute that at least one scan header states; empty if it is unknown.

    `slice_spacing_mm` is the distance between slices, `pixel_spacing_mm` the distance between pixels (the mean of rows
    and columns); `num_slices`, `num_rows` and `num_columns` count voxels.

    Args:
        frames: Geometry of each scan.
        scan_of_case: (N,) index into `frames`.
    """
    columns: dict[str, list[str]] = {
        "slice_spacing_mm": [_number(frame.spacing_mm[2]) for frame in frames],
        "pixel_spacing_mm": [_number((frame.spacing_mm[0] + frame.spacing_mm[1]) / 2) for frame in frames],
        "num_slices": [str(frame.hu.shape[0]) for frame in frames],
        "num_rows": [str(frame.hu.shape[1]) for frame in frames],
        "num_columns": [str(frame.hu.shape[2]) for frame in frames],
        **{name: [_acquired(frame.acquisition, name) for frame in frames] for name in ACQUISITION_COLUMNS},
    }
    return {name: np.array(values, dtype=object)[scan_of_case] for name, values in columns.items() if any(values)}


def _acquired(acquisition: Mapping[str, str], name: str) -> str:
    return acquisition.get(name, "")


def _number(value: float) -> str:
    return f"{value:.{_DIGITS}g}"
