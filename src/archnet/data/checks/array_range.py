"""The range of array values: the values that are mapped to 0 and 1.

A single case may not show a whole chest: a crop can contain only lung, or only soft tissue. Therefore all cases of a
file are evaluated together, and then those of each class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.array_scales import Limits, Scale, Values, measure_values, recognize_scale, three_digits
from archnet.data.checks.findings import Finding
from archnet.imaging.hounsfield import INTERCEPT
from archnet.spec.experiment import Data, ranges_of
from archnet.spec.view import InputLimits

_DARK_SHARE: Final = 0.05
_MIN_AUC: Final = 0.98
_MIN_SHIFT: Final = 0.1
"""Minimum shift of the 5th percentiles of cases between classes, as a share of the range, and minimum AUC."""

_MIN_CASES: Final = 5
"""Minimum number of cases of each class for which a shift is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRange:
    """The chosen range.

    Attributes:
        limits: The values that are mapped to 0 and 1.
        findings: Findings about the values.
    """

    limits: InputLimits
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChannelRange:
    """The chosen range of one channel: the values that are mapped to 0 and 1 in each window, and the findings."""

    limits: tuple[Limits, ...]
    findings: list[Finding]


def choose_range(
    x: NDArray[Any], dtype: np.dtype[Any], data: Data, labels: NDArray[np.int64], classes: Sequence[str]
) -> ArrayRange:
    """Choose the values that are mapped to 0 and 1: those of `data.range`, or those of the scale of the values.

    Args:
        x: (N, height, width[, depth]) all cases, uint8, int16 or float32; channels last if `data.channels` is above 1.
            Each channel has its own range.
        dtype: The stored data type.
        data: The options.
        labels: (N,) class of each case, index into `classes`.
        classes: The class names.

    Raises:
        ValueError: There are several windows, but the values are not in Hounsfield units.
    """
    if data.channels == 1:
        chosen = [_choose_channel_range(x, dtype, data, labels, classes)]
    else:
        chosen = [
            _choose_channel_range(x[..., channel], dtype, replace(data, range=given), labels, classes)
            for channel, given in enumerate(_channel_ranges(data))
        ]
    findings = [
        finding if data.channels == 1 else replace(finding, message=f"Channel {channel} of x: {finding.message}")
        for channel, one in enumerate(chosen)
        for finding in one.findings
    ]
    windows = tuple(zip(*(one.limits for one in chosen), strict=True))
    return ArrayRange(limits=InputLimits(windows=windows), findings=tuple(findings))


def _channel_ranges(data: Data) -> list[Any]:
    """The option `range` of each channel."""
    if isinstance(data.range, str):
        return [data.range] * data.channels
    ranges = ranges_of(data.range)
    return list(ranges) if len(ranges) > 1 else list(ranges) * data.channels


def _choose_channel_range(
    x: NDArray[Any], dtype: np.dtype[Any], data: Data, labels: NDArray[np.int64], classes: Sequence[str]
) -> _ChannelRange:
    values = measure_values(x, dtype, np.arange(len(x)))
    present = np.unique(labels)
    parts = [measure_values(x, dtype, np.flatnonzero(labels == label)) for label in present]
    names = [classes[label] for label in present]
    if data.range == "auto":
        scale = None if _is_fixed(dtype) else recognize_scale(values, data.windows[0])
        limits = _auto_limits(values, dtype, scale, data)
        findings = list(_describe_choice(values, dtype, scale, data))
    else:
        limits = data.windows if data.range == "hu" else ranges_of(data.range)
        findings = [finding for window in limits for finding in _check_given(values, window, data)]
    differences = list(_find_class_scales(parts, dtype, data, names))
    findings += differences or _find_class_shift(parts, limits[0], names)
    return _ChannelRange(limits=limits, findings=findings)


def _is_fixed(dtype: np.dtype[Any]) -> bool:
    """Whether a data type has only one scale."""
    return dtype in (np.dtype(np.uint8), np.dtype(np.bool_))


def _auto_limits(values: Values, dtype: np.dtype[Any], scale: Scale | None, data: Data) -> tuple[Limits, ...]:
    """The limits of each window, or those of the scale if the values are not in Hounsfield units.

    Raises:
        ValueError: There are several windows, but the values are not in Hounsfield units.
    """
    if scale is None and not _is_fixed(dtype):
        return data.windows
    if scale is not None and scale.is_hu:
        scales = (recognize_scale(values, window) for window in data.windows)
        return tuple(one.limits for one in scales if one is not None)
    if len(data.windows) > 1:
        kind = f"{dtype} values" if scale is None else f"values on the scale {scale.name}"
        raise ValueError(
            f"data.window_hu has {len(data.windows)} windows, but x contains {kind}, which are not Hounsfield units; "
            "give one window, or set data.range=hu"
        )
    if scale is not None:
        return (scale.limits,)
    return ((0.0, 255.0),) if dtype == np.uint8 else ((0.0, 1.0),)


def _describe_choice(values: Values, dtype: np.dtype[Any], scale: Scale | None, data: Data) -> Iterator[Finding]:
    """Return a note if an unusual scale is recognized, or an error if no scale is recognized."""
    if _is_fixed(dtype):
        return
    spread = f"x contains {dtype} values, most of them between {_text(values.low)} and {_text(values.high)}"
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
                f"Set the values that become 0 and 1, {_range_example(low, high, data, 'as in')}, or use "
                "--set data.range=hu if they are Hounsfield units."
            ),
        )
    elif scale.limits != data.windows[0] and not (scale.limits == (0, 1) and values.is_float):
        low, high = scale.limits
        message = f"{spread}. They are read as {scale.name}, {_range_example(low, high, data, 'as with')}."
        yield Finding(check="value_range", severity="note", message=message)


def _range_example(low: float, high: float, data: Data, words: str) -> str:
    """The value of `data.range` for a range, or its entry for one of several channels."""
    if data.channels > 1:
        return f"{words} [{low:g},{high:g}] for this channel (data.range takes a pair for each)"
    return f'{words} --set "data.range=[{low:g},{high:g}]"'


def _check_given(values: Values, limits: Limits, data: Data) -> Iterator[Finding]:
    """Warn if `data.range` does not match the values."""
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
    """Report an error if the cases of two classes are clearly on different scales."""
    if _is_fixed(dtype):
        return
    varied = [(name, part) for name, part in zip(classes, parts, strict=True) if part.lowest < part.highest]
    scales = [(name, recognize_scale(part, data.windows[0])) for name, part in varied]
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
    """Warn if the darkest values of cases, air or lung in a chest, differ between classes."""
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
