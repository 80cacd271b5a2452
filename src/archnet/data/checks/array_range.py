"""The range of array values: which of them become 0 and 1.

A single case does not show a whole chest: a crop may hold only lung, or only soft tissue. Therefore all cases of a file
are evaluated together, and then those of each class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.array_scales import Limits, Scale, Values, measure_values, recognize_scale, three_digits
from archnet.data.checks.findings import Finding
from archnet.imaging.hounsfield import INTERCEPT
from archnet.spec.experiment import Data

_DARK_SHARE: Final = 0.05
_MIN_AUC: Final = 0.98
_MIN_SHIFT: Final = 0.1
"""Shift of the 5th percentiles of cases between classes, as a share of the range, and how well it separates them."""

_MIN_CASES: Final = 5
"""Fewest cases of each class for which a shift is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRange:
    """The chosen range.

    Attributes:
        limits: The values that become 0 and 1.
        findings: What was found.
    """

    limits: Limits
    findings: tuple[Finding, ...] = ()


def choose_range(
    x: NDArray[Any], dtype: np.dtype[Any], data: Data, labels: NDArray[np.int64], classes: Sequence[str]
) -> ArrayRange:
    """Choose the values that become 0 and 1: what `data.range` says, or the scale that the values are on.

    Args:
        x: (N, height, width[, depth]) all cases, uint8, int16 or float32.
        dtype: The data type that they were stored in.
        data: The options.
        labels: (N,) class of each case, index into `classes`.
        classes: The class names.
    """
    values = measure_values(x, dtype, np.arange(len(x)))
    present = np.unique(labels)
    parts = [measure_values(x, dtype, np.flatnonzero(labels == label)) for label in present]
    names = [classes[label] for label in present]
    if data.range == "auto":
        scale = None if _is_fixed(dtype) else recognize_scale(values, data.window_hu)
        limits = _default_limits(dtype, data) if scale is None else scale.limits
        findings = list(_describe_choice(values, dtype, scale, data))
    else:
        limits = data.window_hu if data.range == "hu" else data.range
        findings = list(_check_given(values, limits, data))
    differences = list(_find_class_scales(parts, dtype, data, names))
    findings += differences or _find_class_shift(parts, limits, names)
    return ArrayRange(limits=limits, findings=tuple(findings))


def _is_fixed(dtype: np.dtype[Any]) -> bool:
    """Whether a data type has one scale only."""
    return dtype in (np.dtype(np.uint8), np.dtype(np.bool_))


def _default_limits(dtype: np.dtype[Any], data: Data) -> Limits:
    if dtype == np.uint8:
        return 0.0, 255.0
    return (0.0, 1.0) if dtype == np.bool_ else data.window_hu


def _describe_choice(values: Values, dtype: np.dtype[Any], scale: Scale | None, data: Data) -> Iterator[Finding]:
    """A note if another scale than the usual ones is recognized, an error if none is."""
    if _is_fixed(dtype):
        return
    spread = f"x holds {dtype} values, most of them between {_text(values.low)} and {_text(values.high)}"
    if values.wraps:
        yield Finding(
            check="value_range",
            severity="error",
            message=f"{spread}. They are unsigned bytes that were stored as signed ones: values above 127 became "
            f"negative (200 is stored as -56).",
            remedy='Save x as uint8 instead, with x.view("uint8").',
        )
    elif scale is None:
        low, high = _suggested_limits(values)
        yield Finding(
            check="value_range",
            severity="error",
            message=(
                f"{spread}. It is unclear which of them should become 0 and 1. They are neither Hounsfield units of a "
                f"chest (with or without the intercept of {INTERCEPT}) nor on the scale 0..255, 0..1 or -1..1, nor "
                "z-scores."
            ),
            remedy=(
                f'Set the values that become 0 and 1, as in --set "data.range=[{low:g},{high:g}]", or use '
                "--set data.range=hu if they are Hounsfield units."
            ),
        )
    elif scale.limits != data.window_hu and not (scale.limits == (0, 1) and values.is_float):
        low, high = scale.limits
        message = f'{spread}. They are read as {scale.name}, as with --set "data.range=[{low:g},{high:g}]".'
        yield Finding(check="value_range", severity="note", message=message)


def _check_given(values: Values, limits: Limits, data: Data) -> Iterator[Finding]:
    """A warning if `data.range` does not fit the values."""
    low, high = limits
    margin = 0.1 * (high - low)
    if values.share(low - margin, high + margin) >= 0.5 and values.high - values.low >= margin:
        return
    given = '"hu"' if data.range == "hu" else f"[{low:g}, {high:g}]"
    yield Finding(
        check="value_range",
        severity="warning",
        message=(
            f"data.range is {given}, so {low:g} becomes 0 and {high:g} becomes 1, but most values of x lie between "
            f"{_text(values.low)} and {_text(values.high)}."
        ),
        remedy="Check data.range.",
    )


def _find_class_scales(
    parts: Sequence[Values], dtype: np.dtype[Any], data: Data, classes: Sequence[str]
) -> Iterator[Finding]:
    """An error if the cases of two classes are clearly on different scales."""
    if _is_fixed(dtype):
        return
    varied = [(name, part) for name, part in zip(classes, parts, strict=True) if part.lowest < part.highest]
    scales = [(name, recognize_scale(part, data.window_hu)) for name, part in varied]
    known = [(name, scale) for name, scale in scales if scale is not None and scale.name != "z-scores"]
    if len({scale.name for _, scale in known}) > 1:
        described = ", ".join(f'class "{name}" in {scale.name}' for name, scale in known)
        yield Finding(
            check="class_values",
            severity="error",
            message=(
                f"The classes are on different scales: {described}. The scale alone would separate the classes (AUC "
                f"1.000)."
            ),
            remedy="Convert the cases of all classes to one scale.",
        )


def _find_class_shift(parts: Sequence[Values], limits: Limits, classes: Sequence[str]) -> Iterator[Finding]:
    """A warning if the darkest values of cases, air or lung in a chest, differ between classes."""
    levels = [np.quantile(part.cases, _DARK_SHARE, axis=1) for part in parts]
    for label in reversed(range(len(classes))):
        inside, outside = levels[label], np.concatenate([*levels[:label], *levels[label + 1 :]])
        shift = (np.median(inside) - np.median(outside)) / (limits[1] - limits[0])
        auc = float((inside[:, np.newaxis] > outside).mean() + 0.5 * (inside[:, np.newaxis] == outside).mean())
        is_separated = max(auc, 1 - auc) >= _MIN_AUC and abs(shift) >= _MIN_SHIFT
        if is_separated and min(len(inside), len(outside)) >= _MIN_CASES:
            yield Finding(
                check="class_values",
                severity="warning",
                message=(
                    f'The darkest values (5th percentiles) of the cases of class "{classes[label]}" are shifted by '
                    f"{100 * shift:+.0f}% of the range relative to the other cases: {_text(np.median(inside))} versus "
                    f"{_text(np.median(outside))}. Even without a network, these values separate the classes with an "
                    f"AUC of {max(auc, 1 - auc):.3f}."
                ),
                remedy="Check that the cases of all classes were produced in the same way.",
            )
            return


def _suggested_limits(values: Values) -> Limits:
    """The extremes, or the percentiles if the extremes are outliers."""
    margin = 0.5 * (values.high - values.low)
    low = values.lowest if values.low - values.lowest <= margin else three_digits(values.low)
    return low, values.highest if values.highest - values.high <= margin else three_digits(values.high)


def _text(value: float) -> str:
    return f"{three_digits(value):g}"
