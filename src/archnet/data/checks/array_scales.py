"""Recognize the scale of array values: Hounsfield units (with or without intercept), bytes, unit ranges or z-scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.hounsfield import INTERCEPT

Limits = tuple[float, float]

_MAX_CASES: Final = 256
_MAX_VALUES: Final = 2**18
"""Maximum number of cases and of values in the evenly spaced sample: enough for percentiles."""

_AIR_HU: Final = (-1150.0, -500.0)
_TISSUE_HU: Final = (-250.0, 350.0)
_CHEST_HU: Final = (-1150.0, 1500.0)
_PADDING_HU: Final = -1500.0
"""A constant value below this is padding around a scan."""

_LOWEST_UNSIGNED: Final = -50.0
"""Hounsfield units with an intercept of 1000 or 1024 begin at -24 or 0."""

_HU_NAME: Final = "Hounsfield units"
_TOLERANCE: Final = 0.001
_MIN_BYTE: Final = 128.0
"""Smallest 99.5th percentile of values on the scale 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A known scale of values.

    Attributes:
        name: For messages.
        limits: The values that are mapped to 0 and 1.
    """

    name: str
    limits: Limits

    @property
    def is_hu(self) -> bool:
        """Whether the values are Hounsfield units, with or without an intercept."""
        return self.name.startswith(_HU_NAME)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """Values of some cases.

    Attributes:
        cases: (cases, values) sample of the values.
        ordered: The sample, sorted, without padding below any Hounsfield unit.
        lowest: The smallest of all values.
        highest: The largest of all values.
        is_float: Whether they were stored as floats.
        is_int8: Whether they were stored as signed bytes, or appear to have been.
        wraps: Whether they are smoother as unsigned bytes than as signed bytes.
    """

    cases: NDArray[Any]
    ordered: NDArray[Any]
    lowest: float
    highest: float
    is_float: bool
    is_int8: bool
    wraps: bool

    @property
    def low(self) -> float:
        """The 0.5th percentile."""
        return float(self.ordered[int(0.005 * (len(self.ordered) - 1))])

    @property
    def high(self) -> float:
        """The 99.5th percentile."""
        return float(self.ordered[int(0.995 * (len(self.ordered) - 1))])

    def share(self, low: float, high: float) -> float:
        """The share of the values from `low` to `high`."""
        return float(np.mean((self.ordered >= low) & (self.ordered <= high)))


def recognize_scale(values: Values, window_hu: Limits) -> Scale | None:
    """Recognize the scale of values; None if it is unclear."""
    return next(filter(None, (rule(values, window_hu) for rule in _RULES)), None)


def _unit_scale(values: Values, window_hu: Limits) -> Scale | None:
    return Scale(name="0..1", limits=(0.0, 1.0)) if values.lowest >= 0 and values.highest <= 1 else None


def _signed_byte_scale(values: Values, window_hu: Limits) -> Scale | None:
    if not values.is_int8 or values.wraps:
        return None
    if values.lowest >= 0:
        return Scale(name="0..127", limits=(0.0, 127.0))
    return Scale(name="-128..127", limits=(-128.0, 127.0))


def _air_scale(values: Values, window_hu: Limits) -> Scale | None:
    is_chest = values.share(*_AIR_HU) >= 0.01 and values.share(*_CHEST_HU) >= 0.9
    return Scale(name=_HU_NAME, limits=window_hu) if is_chest else None


def _centred_scale(values: Values, window_hu: Limits) -> Scale | None:
    largest = max(-values.lowest, values.highest)
    if not values.is_float or values.lowest >= 0 or largest > 1 + _TOLERANCE:
        return None
    end = 0.5 if largest <= 0.5 + _TOLERANCE else 1.0
    return Scale(name=f"{-end:g}..{end:g}", limits=(-end, end))


def _standard_scale(values: Values, window_hu: Limits) -> Scale | None:
    mean, deviation = values.ordered.mean(dtype=np.float64), values.ordered.std(dtype=np.float64)
    if not values.is_float or abs(mean) > 0.35 or not 0.4 <= deviation <= 2.5 or values.low < -10 or values.high > 10:
        return None
    return Scale(name="z-scores", limits=(three_digits(values.low), three_digits(values.high)))


def _byte_scale(values: Values, window_hu: Limits) -> Scale | None:
    is_byte = not values.is_int8 and values.lowest >= 0 and values.highest <= 255 and values.high >= _MIN_BYTE
    return Scale(name="0..255", limits=(0.0, 255.0)) if is_byte else None


def _unsigned_scale(values: Values, window_hu: Limits) -> Scale | None:
    dark = values.share(_AIR_HU[0] + INTERCEPT, _AIR_HU[1] + INTERCEPT)
    tissue = values.share(_TISSUE_HU[0] + INTERCEPT, _TISSUE_HU[1] + INTERCEPT)
    is_known = tissue >= 0.05 and dark + tissue >= 0.6 and (dark >= 0.01 or tissue >= 0.8)
    if not is_known or values.low < _LOWEST_UNSIGNED:
        return None
    low, high = window_hu
    return Scale(name=f"{_HU_NAME} + {INTERCEPT}", limits=(low + INTERCEPT, high + INTERCEPT))


def _tissue_scale(values: Values, window_hu: Limits) -> Scale | None:
    """Crops of soft tissue only: values of about -100 to -50 are fat in Hounsfield units."""
    has_fat = values.share(_TISSUE_HU[0], -10) >= 0.01 and values.share(*_TISSUE_HU) >= 0.9
    is_spread = values.ordered.std(dtype=np.float64) >= 10
    is_tissue = has_fat and is_spread and not values.is_int8
    return Scale(name=_HU_NAME, limits=window_hu) if is_tissue else None


_RULES: Final[tuple[Callable[[Values, Limits], Scale | None], ...]] = (
    _unit_scale,
    _signed_byte_scale,
    _air_scale,
    _centred_scale,
    _standard_scale,
    _byte_scale,
    _unsigned_scale,
    _tissue_scale,
)


def measure_values(x: NDArray[Any], dtype: np.dtype[Any], rows: NDArray[np.int64]) -> Values:
    """Measure the values of some cases.

    Args:
        x: (N, height, width[, depth]).
        dtype: The stored data type.
        rows: The cases, of which an evenly spaced sample of a few hundred is measured.
    """
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MAX_CASES)).round().astype(np.int64)]
    step = max(1, len(chosen) * x[0].size // _MAX_VALUES)
    cases = np.stack([x[row].ravel()[::step] for row in chosen])
    seen = x if len(rows) == len(x) else cases
    lowest, highest = float(seen.min()), float(seen.max())
    is_float = dtype.kind == "f"
    is_int8 = dtype == np.int8 or (not is_float and -128 <= lowest < -100 and 100 < highest <= 127)
    return Values(
        cases=cases,
        ordered=_without_padding(np.sort(cases, axis=None)),
        lowest=lowest,
        highest=highest,
        is_float=is_float,
        is_int8=is_int8,
        wraps=is_int8 and lowest < 0 and _roughness(x[chosen].astype(np.uint8)) < _roughness(x[chosen]),
    )


def _without_padding(ordered: NDArray[Any]) -> NDArray[Any]:
    """Remove the lowest value from sorted values if it is below any Hounsfield unit and frequent."""
    lowest = ordered[0]
    count = int(np.searchsorted(ordered, lowest, "right"))
    is_padding = lowest <= _PADDING_HU and 0.001 * len(ordered) < count < len(ordered)
    return ordered[count:] if is_padding else ordered


def _roughness(cases: NDArray[Any]) -> float:
    """Mean absolute difference of neighbours along the height."""
    return float(np.abs(np.diff(cases.astype(np.float32), axis=1)).mean()) if cases.shape[1] > 1 else 0.0


def three_digits(value: float) -> float:
    """Round a value to three significant digits."""
    return float(f"{value:.3g}")
