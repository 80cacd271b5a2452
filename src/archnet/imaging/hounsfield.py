"""Check that the voxels of a scan are Hounsfield units of a chest; one rule for training, prediction and explanation.

In Hounsfield units air is near -1000, lung near -850 and soft tissue near 0, whatever the scanner. The voxels of a scan
are divided into a darker and a brighter part (Otsu 1979, doi:10.1109/TSMC.1979.4310076); the medians of both parts show
the scale of the scan. The corners outside the reconstruction circle and any value that fills them are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.volume import Hu, Index

ValueKind = Literal["hu", "unclear", "other"]

SAMPLE_SHAPE: Final[Index] = (10, 28, 28)
"""Maximum shape (z, y, x) of a sample of voxels: enough for percentiles, and read within a millisecond."""

INTERCEPT: Final = 1024
"""Offsets that scanners add to Hounsfield units to store them as unsigned numbers."""

TYPICAL_TISSUE_HU: Final = -20.0
"""Typical median of the brighter part of a chest CT."""

HIGHEST_AIR_HU: Final = -500.0
"""Upper limit of air and lung."""

_LOWEST_AIR_HU: Final = -1150.0
_HIGHEST_OUTSIDE_AIR_HU: Final = -900.0
_TISSUE_HU: Final = (-250.0, 350.0)
_BRIGHT_HU: Final = (-250.0, 150.0)
_MIN_SHARE: Final = 0.01
_MIN_KNOWN_SHARE: Final = 0.5
"""Minimum share of air, of soft tissue, and of both together. In real chest CTs they are about 0.3, 0.3 and 0.95."""

_LOWEST_DARK_HU: Final = -1500.0
_CONTRASTS_HU: Final = (600.0, 1400.0)
_MIN_OFFSET_HU: Final = 400.0
"""If the two levels differ as much as air and soft tissue, but both are off by this much, the offset is wrong."""

_PADDING_SHARE: Final = 0.5
_FILL_SHARE: Final = 0.25
"""A single value with a larger share of the corners or the field of view is padding or clipping, not noise."""

_SCALES: Final = {
    (0.0, 1.0): "They look scaled to 0..1: use the scan before scaling.",
    (-1.5, 1.5): "They look scaled to -1..1: use the scan before scaling.",
    (-10.0, 10.0): "They look standardized (z-scores): use the scan before standardization.",
    (0.0, 255.0): "They look like the grey values of a picture: use the scan that it was made from.",
}
"""Likely causes and remedies by range of values, from the narrowest range to the widest."""

_NUM_BINS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class HuStatistics:
    """Statistics of the voxels of a scan inside its field of view, without padding.

    Attributes:
        low: The 0.5th percentile.
        high: The 99.5th percentile.
        dark: Median of the darker part, air and lung.
        bright: Median of the brighter part, soft tissue.
        air_share: Share of voxels that are air or lung, if the values are Hounsfield units.
        tissue_share: Share of voxels that are soft tissue, likewise.
        padding: The value that fills the corners; None if no single value does.
    """

    low: float
    high: float
    dark: float
    bright: float
    air_share: float
    tissue_share: float
    padding: float | None

    def to_document(self) -> dict[str, Any]:
        """The statistics, JSON-ready; `parse_hu_statistics` reads them back."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HuAssessment:
    """Result of the check whether the values of a scan are Hounsfield units of a chest.

    Attributes:
        kind: "hu"; "other" if the values are clearly something else; otherwise "unclear".
        reason: The problem, as a sentence about "its values", and the remedy; empty for "hu".
    """

    kind: ValueKind
    reason: str = ""


def parse_hu_statistics(document: Mapping[str, Any]) -> HuStatistics:
    """Parse the result of `HuStatistics.to_document`.

    Raises:
        KeyError: A key is missing.
    """
    return HuStatistics(**{name: document[name] for name in HuStatistics.__slots__})


def sample_voxels(hu: Hu) -> Hu:
    """Sample the voxels of a scan (z, y, x) evenly, starting from the center: at most `SAMPLE_SHAPE`."""
    steps = [-(-length // count) for length, count in zip(hu.shape, SAMPLE_SHAPE, strict=True)]
    grid = tuple(slice((length - 1) % step // 2, None, step) for length, step in zip(hu.shape, steps, strict=True))
    return hu[grid].copy()


def measure_hu(sample: Hu) -> HuStatistics:
    """Measure the values of a scan.

    Args:
        sample: Result of `sample_voxels`, (z, y, x) in LPS.
    """
    values, padding = _field_of_view(sample)
    num_dark = int(np.searchsorted(values, _otsu_threshold(values)))
    dark, bright = values[: max(num_dark, 1)], values[num_dark:]
    return HuStatistics(
        low=_quantile(values, 0.005),
        high=_quantile(values, 0.995),
        dark=_quantile(dark, 0.5),
        bright=_quantile(bright, 0.5),
        air_share=_share(values, _LOWEST_AIR_HU, HIGHEST_AIR_HU),
        tissue_share=_share(values, *_TISSUE_HU),
        padding=padding,
    )


def evaluate_hu(measured: HuStatistics) -> HuAssessment:
    """Evaluate whether the values of a scan are Hounsfield units of a chest."""
    if _is_hu(measured):
        return HuAssessment(kind="hu")
    low, high = _number(measured.low), _number(measured.high)
    has_no_air = measured.low > HIGHEST_AIR_HU and not _is_air_padded(measured)
    if not (has_no_air or _has_offset(measured) or measured.dark < _LOWEST_DARK_HU):
        reason = (
            f"its darker part has a median of {_number(measured.dark)} and its brighter part one of "
            f"{_number(measured.bright)}; in a chest CT in Hounsfield units, air is near -1000 and soft tissue near 0. "
            "Check its rescale slope and intercept."
        )
        return HuAssessment(kind="unclear", reason=reason)
    expected = "holds air, near -1000" if has_no_air else "has air near -1000 and soft tissue near 0"
    reason = (
        f"most of its values lie between {low} and {high}, but a chest CT in Hounsfield units {expected}. "
        f"{_cause(measured)}"
    )
    return HuAssessment(kind="other", reason=reason)


def _is_hu(measured: HuStatistics) -> bool:
    air, tissue = measured.air_share, measured.tissue_share
    has_both = min(air, tissue) >= _MIN_SHARE and air + tissue >= _MIN_KNOWN_SHARE
    return has_both and measured.dark >= _LOWEST_AIR_HU and _BRIGHT_HU[0] <= measured.bright <= _BRIGHT_HU[1]


def _is_air_padded(measured: HuStatistics) -> bool:
    """Whether a scan of soft tissue only is surrounded by a value that may be air."""
    is_air = measured.padding is not None and _LOWEST_AIR_HU <= measured.padding <= _HIGHEST_OUTSIDE_AIR_HU
    is_tissue = measured.tissue_share >= _MIN_KNOWN_SHARE and _BRIGHT_HU[0] <= measured.bright <= _BRIGHT_HU[1]
    return is_air and is_tissue and _scale_cause(measured) is None


def _has_offset(measured: HuStatistics) -> bool:
    is_chest_contrast = _CONTRASTS_HU[0] <= measured.bright - measured.dark <= _CONTRASTS_HU[1]
    return is_chest_contrast and abs(measured.bright - TYPICAL_TISSUE_HU) >= _MIN_OFFSET_HU


def _cause(measured: HuStatistics) -> str:
    """Return the likely cause of values that are not Hounsfield units, and the remedy."""
    scale_cause = _scale_cause(measured)
    if scale_cause is not None:
        return scale_cause
    original = "use the original scan from the scanner."
    is_high = measured.bright > TYPICAL_TISSUE_HU
    if _has_offset(measured) and (measured.low >= -100 or not is_high):
        offset = _nearest_offset(abs(measured.bright - TYPICAL_TISSUE_HU))
        direction, reason = ("high", "is missing") if is_high else ("low", "was applied twice")
        return f"They are about {offset:,.0f} too {direction}, as if the rescale intercept {reason}: {original}"
    if measured.low >= 0:
        return f"This is not a CT, or its rescale intercept is missing: {original}"
    return f"They have been clipped or scaled, or this is not a chest CT: {original}"


def _scale_cause(measured: HuStatistics) -> str | None:
    """Return the cause of values on a known scale, and the remedy; None if the scale is unknown."""
    for (lowest, highest), cause in _SCALES.items():
        if lowest <= measured.low and measured.high <= highest:
            return cause
    return None


def _nearest_offset(offset: float) -> float:
    """Round an estimated offset to the nearest usual intercept, if it is close to one."""
    return INTERCEPT if abs(offset - INTERCEPT) <= 150 else round(offset, -2)


def _field_of_view(sample: Hu) -> tuple[NDArray[Any], float | None]:
    """Return the sorted voxels of the inscribed circle of all planes, without padding, and the padding."""
    is_inside = _inscribed_circle(*sample.shape[1:])
    inside, corners = _sort(sample[:, is_inside]), _sort(sample[:, ~is_inside])
    padding = _dominant_value(corners, _PADDING_SHARE)
    unpadded = inside if padding is None else _remove(inside, padding)
    fill = _dominant_value(unpadded, _FILL_SHARE)
    unfilled = unpadded if fill is None else _remove(unpadded, fill)
    return unfilled if len(unfilled) > _MIN_SHARE * len(inside) else inside, padding


@cache
def _inscribed_circle(num_rows: int, num_columns: int) -> NDArray[np.bool_]:
    """Mask (y, x) of the voxels inside the inscribed circle, or ellipse, of a plane."""
    down, across = (((2 * np.arange(count) + 1) / count - 1) ** 2 for count in (num_rows, num_columns))
    is_inside: NDArray[np.bool_] = down[:, np.newaxis] + across <= 1
    return is_inside


def _sort(values: NDArray[Any]) -> NDArray[Any]:
    """Sort all values."""
    return np.sort(np.asarray(values), axis=None)


def _dominant_value(values: NDArray[Any], share: float) -> float | None:
    """Find the value whose share of the sorted values is larger than `share`; None if there is none."""
    if not len(values):
        return None
    candidates = values[(np.arange(share, 1, share) * len(values)).astype(np.int64)]
    counts = np.searchsorted(values, candidates, "right") - np.searchsorted(values, candidates, "left")
    return float(candidates[counts.argmax()]) if counts.max() > share * len(values) else None


def _remove(values: NDArray[Any], value: float) -> NDArray[Any]:
    """Remove all occurrences of a value from sorted values."""
    first, last = np.searchsorted(values, value, "left"), np.searchsorted(values, value, "right")
    return np.concatenate([values[:first], values[last:]])


def _otsu_threshold(values: NDArray[Any]) -> float:
    """The threshold between the 1st and the 99th percentile of sorted values that best divides them in two."""
    edges = np.linspace(_quantile(values, 0.01), _quantile(values, 0.99), _NUM_BINS + 1)
    counts = np.diff(np.searchsorted(values, edges)).astype(np.float64)
    bins = np.arange(_NUM_BINS)
    num_below, sum_below = np.cumsum(counts), np.cumsum(counts * bins)
    total, whole = counts.sum(), (counts * bins).sum()
    variance = (whole * num_below - total * sum_below) ** 2 / np.maximum(num_below * (total - num_below), 1)
    return float(edges[1 + int(variance.argmax())])


def _quantile(values: NDArray[Any], share: float) -> float:
    """A quantile of sorted values."""
    return float(values[int(share * (len(values) - 1))])


def _share(values: NDArray[Any], low: float, high: float) -> float:
    """The share of sorted values from `low` to `high`."""
    count = np.searchsorted(values, high, "right") - np.searchsorted(values, low, "left")
    return round(float(count) / len(values), 4)


def _number(value: float) -> str:
    """Format a value with three digits."""
    return f"{float(f'{value:.3g}'):g}"
