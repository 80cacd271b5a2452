"""Entries of `metrics.json`: a number, or for more than two classes {"macro": ..., "per_class": {name: ...}}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Estimate(NamedTuple):
    """A metric's value with its 95% interval, both None where undefined."""

    value: float | None
    interval: list[float] | None


def class_value(entry: Any, positive: str) -> Any:
    """A metric or an interval; that of the positive class if it is per class."""
    return entry["per_class"].get(positive) if isinstance(entry, dict) else entry


def macro_value(entry: Any) -> Any:
    """A metric or an interval; the macro mean if it is per class."""
    return entry["macro"] if isinstance(entry, dict) else entry


def class_estimate(metrics: Mapping[str, Any], name: str, positive: str) -> Estimate:
    """A metric of one set; that of the positive class if it is per class."""
    return Estimate(class_value(metrics.get(name), positive), class_value(_interval(metrics, name), positive))


def macro_estimate(metrics: Mapping[str, Any], name: str) -> Estimate:
    """A metric of one set; the macro mean if it is per class."""
    return Estimate(macro_value(metrics[name]), macro_value(_interval(metrics, name)))


def _interval(metrics: Mapping[str, Any], name: str) -> Any:
    return metrics.get("intervals", {}).get(name)
