"""Check whether a network can classify a scan: reject non-CT input, and warn about out-of-distribution scans."""

from __future__ import annotations

from typing import Final

from archnet.data.scan_ranges import ScanRanges, size_mm
from archnet.imaging import Volume
from archnet.imaging.hounsfield import HuStatistics, evaluate_hu
from archnet.inference.trained_run import TrainedRun
from archnet.spec.experiment import Range

TOLERATED_RATIO: Final = 1.5
"""Tolerated ratio of a spacing or an extent to the end of the training range."""

TOLERATED_SHARE: Final = 0.1
"""Tolerated distance of a mean from the training range, as a share of the window."""


def rejection_reason(values: HuStatistics) -> str | None:
    """The reason why the values of a scan cannot be those of a chest CT; null if they can."""
    assessment = evaluate_hu(values)
    return assessment.reason if assessment.kind == "other" else None


def value_warnings(values: HuStatistics) -> list[str]:
    """A sentence if it is unclear whether the values of a scan are those of a chest CT."""
    assessment = evaluate_hu(values)
    return [assessment.reason] if assessment.kind == "unclear" else []


def geometry_warnings(volume: Volume, run: TrainedRun) -> list[str]:
    """The differences of a scan's geometry from the range of the training data, one sentence each."""
    if run.scan_ranges is None:
        return []
    spacing = [
        f"its voxels are {value:.3g} mm along {axis}; in training they were {_range_text(low, high, '.3g')} mm."
        for axis, value, low, high in zip("xyz", volume.spacing_mm, *run.scan_ranges.spacing_mm, strict=True)
        if _is_out_of_range(value, low, high)
    ]
    if run.kind == "candidates":
        return spacing if run.experiment.data.spacing_mm is None else []
    extents = zip("xyz", size_mm(volume), *run.scan_ranges.size_mm, strict=True)
    return [
        *spacing,
        *(
            f"it is {value:.0f} mm long along {axis}; in training scans were {_range_text(low, high, '.0f')} mm."
            for axis, value, low, high in extents
            if _is_out_of_range(value, low, high)
        ),
    ]


def _is_out_of_range(value: float, low: float, high: float) -> bool:
    return not low / TOLERATED_RATIO <= value <= high * TOLERATED_RATIO


def _range_text(low: float, high: float, form: str) -> str:
    first, last = format(low, form), format(high, form)
    return first if first == last else f"{first} to {last}"


def intensity_warnings(mean: float, ranges: ScanRanges | None, limits: Range) -> list[str]:
    """A sentence if a network's input from a scan is much brighter or darker than the training data.

    Args:
        mean: Mean of the cases of a scan, clipped to the range of the windows, in HU.
        ranges: Ranges of the training data.
        limits: Lowest and highest limit of all windows, in HU.
    """
    if ranges is None:
        return []
    low, high = ranges.mean_hu
    tolerance = TOLERATED_SHARE * (limits[1] - limits[0])
    if low - tolerance <= mean <= high + tolerance:
        return []
    return [f"the network sees a mean of {mean:.0f} HU; in training it was {_range_text(low, high, '.0f')} HU."]
