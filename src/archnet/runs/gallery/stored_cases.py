"""Write the stored cases of a run: voxels in the units of the data, with their positions in the scans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.predictions import Predictions
from archnet.imaging import CasePlacement
from archnet.report.gallery_file import Gallery, Placements, write_gallery_file
from archnet.runs.gallery.case_selection import select_gallery_rows
from archnet.runs.preparation import PreparedData
from archnet.spec.experiment import Data
from archnet.spec.view import window_limits

MAX_VOXELS: Final = 32 * 2**20
"""Maximum number of values of all cases and channels of a gallery: 64 MB before compression."""

_INT16: Final = 32767


def write_gallery(
    path: Path, prepared: PreparedData, predictions: Predictions, predicted: NDArray[np.int64], data: Data
) -> None:
    """Write gallery.npz, so that reports and comparisons need only the run folder.

    Args:
        path: The file.
        prepared: The prepared data.
        predictions: Predictions of all cases.
        predicted: (N,) the predicted class of each case.
        data: The data section of the experiment.
    """
    max_cases = max(1, MAX_VOXELS // math.prod(prepared.values.shape[1:]))
    rows_by_kind = select_gallery_rows(predictions, predicted, max_cases)
    rows = np.concatenate(list(rows_by_kind.values())).astype(np.int64)
    is_hu = isinstance(data.range, str) and prepared.limits == window_limits(data)
    stored, scales = store_values(prepared.values[prepared.rows[rows]], prepared.limits.num_data_channels, is_hu=is_hu)
    has_channels = prepared.limits.num_data_channels > 1
    low, high = prepared.limits.windows[0][0]
    gallery = Gallery(
        values=stored[..., 0] if has_channels else stored,
        cases=predictions.cases[rows],
        kinds=np.repeat(list(rows_by_kind), [len(members) for members in rows_by_kind.values()]),
        scales=scales,
        window=(float(low), float(high)),
        is_hu=is_hu,
        placements=_join_placements(prepared.place(rows)),
        other_channels=stored[..., 1:] if has_channels else None,
    )
    write_gallery_file(path, gallery)


def store_values(values: NDArray[Any], num_channels: int, *, is_hu: bool) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Convert raw values to integers: uint8 and int16 are kept, HU are rounded, other values are scaled to their range.

    Args:
        values: (N, ...) raw values, channels last if there are several.
        num_channels: Number of channels of the data.
        is_hu: Whether the values are Hounsfield units.

    Returns:
        uint8 or int16 values of the same shape, and (channels, 2) factor and offset that restore the raw values.
    """
    identity = np.tile([1.0, 0.0], (num_channels, 1))
    if values.dtype in (np.uint8, np.int16):
        return np.asarray(values), identity
    if is_hu:
        return np.clip(np.rint(values), -_INT16 - 1, _INT16).astype(np.int16), identity
    channels = values if num_channels > 1 else values[..., np.newaxis]
    axes = tuple(range(channels.ndim - 1))
    low, high = (extreme.astype(np.float64) for extreme in (channels.min(axis=axes), channels.max(axis=axes)))
    factors, offsets = np.where(high > low, (high - low) / (2 * _INT16), 1.0), (low + high) / 2
    stored = np.rint((channels - offsets) / factors).astype(np.int16)
    return stored if num_channels > 1 else stored[..., 0], np.stack([factors, offsets], axis=1)


def _join_placements(placements: Sequence[CasePlacement | None]) -> Placements | None:
    if not any(placements):
        return None
    return Placements(
        centre_mm=np.stack([np.full(3, np.nan) if one is None else one.centre_mm for one in placements]),
        steps_mm=np.stack([np.full((3, 3), np.nan) if one is None else one.steps_mm for one in placements]),
        slices=np.stack([np.full(3, np.nan) if one is None else one.slices for one in placements]),
    )
