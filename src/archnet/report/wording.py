"""Format numbers for texts and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archnet.evaluation.run_costs import RunCost
from archnet.report.units import bytes_text, count_text

UNDEFINED = "undefined"
UNKNOWN = "–"
"""Text for a cost that a run does not have, such as the multiply-adds of a baseline."""

SET_NAMES = {"train": "training", "validation": "validation", "test": "test"}
CONFIGURED_THRESHOLD = "configured threshold"
"""Label of the configured operating point."""

UNCALIBRATED = "uncalibrated"
"""Label of probabilities before temperature scaling."""


def decimals(value: float | None) -> str:
    """A metric with three decimals.

    >>> decimals(0.77580), decimals(None)
    ('0.776', 'undefined')
    """
    return UNDEFINED if value is None else f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def bounds(interval: list[float] | None) -> str:
    """An interval's ends with three decimals; empty without an interval.

    >>> bounds([0.7234, 0.8207])
    '0.723 to 0.821'
    """
    return "" if interval is None else f"{decimals(interval[0])} to {decimals(interval[1])}"


def calibration_error(entry: Mapping[str, Any]) -> str:
    """The expected calibration error, with that of a perfectly calibrated model.

    >>> calibration_error({"expected_calibration_error": 0.0931, "error_if_calibrated": {"mean": 0.08}})
    '0.093 (0.080 expected of a perfectly calibrated model)'
    >>> calibration_error({"expected_calibration_error": 0.0931})
    '0.093'
    """
    text = decimals(entry["expected_calibration_error"])
    if "error_if_calibrated" not in entry:
        return text
    return f"{text} ({decimals(entry['error_if_calibrated']['mean'])} expected of a perfectly calibrated model)"


def threshold(value: float) -> str:
    """A threshold with three decimals, or up to nine to distinguish it from 0 and 1.

    >>> threshold(0.5), threshold(0.00012), threshold(0.99965), threshold(1.0), threshold(1.2e-9)
    ('0.500', '0.00012', '0.99965', '1.000', '0.000000001')
    """
    gap = min(value, 1 - value)
    places = max(3, min(9, 1 - math.floor(math.log10(gap)))) if gap > 0 else 3
    return f"{value:.{places}f}"


def signed(value: float | None) -> str:
    """A difference with its sign and three decimals.

    >>> signed(0.0391), signed(-0.2), signed(None)
    ('+0.039', '−0.200', 'undefined')
    """
    return UNDEFINED if value is None else f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def signed_bounds(interval: list[float] | None) -> str:
    """The ends of a difference's interval; empty without an interval.

    >>> signed_bounds([-0.0212, 0.0676])
    '−0.021 to +0.068'
    """
    return "" if interval is None else f"{signed(interval[0])} to {signed(interval[1])}"


def percent(value: float | None) -> str:
    """A share with one decimal.

    >>> percent(0.7758)
    '77.6%'
    """
    return UNDEFINED if value is None else f"{100 * value:.1f}%"


def count(value: float | None) -> str:
    """An integer with thousands separators.

    >>> count(196108)
    '196,108'
    """
    return UNKNOWN if value is None else f"{value:,.0f}"


def mean_count(value: float) -> str:
    """A number of cases that may be a mean over runs.

    >>> mean_count(1248), mean_count(39.6667)
    ('1,248', '39.7')
    """
    return f"{value:,.0f}" if math.isclose(value, round(value)) else f"{value:,.1f}"


def pluralize_mean(value: float, noun: str) -> str:
    """A number of cases that may be a mean over runs, with its noun.

    >>> pluralize_mean(1, "false positive"), pluralize_mean(1.5, "false positive")
    ('1 false positive', '1.5 false positives')
    """
    number = mean_count(value)
    return f"{number} {noun}" + "s" * (number != "1")


def short_count(value: float | None) -> str:
    """A large number with a unit prefix.

    >>> short_count(1_269_052), short_count(812)
    ('1.27 M', '812')
    """
    return UNKNOWN if value is None else count_text(value)


def memory(value: float | None) -> str:
    """Bytes in decimal units.

    >>> memory(412_000_000)
    '412 MB'
    """
    return UNKNOWN if value is None else bytes_text(value)


def duration(seconds: float | None) -> str:
    """A duration in seconds as text.

    >>> duration(200), duration(4.25), duration(7260)
    ('3 min 20 s', '4.2 s', '2 h 1 min')
    >>> duration(59.6), duration(59.96), duration(3594), duration(3599.6), duration(7140)
    ('59.6 s', '1 min 0 s', '59 min 54 s', '1 h 0 min', '1 h 59 min')
    """
    if seconds is None:
        return UNKNOWN
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def cost_text(cost: RunCost, value: float | None, *, is_exact: bool = False) -> str:
    """A cost of a run in its unit.

    Args:
        cost: The type of cost.
        value: The value; None if a run does not record it.
        is_exact: Show all digits of a number of operations.
    """
    if cost.unit == "operations" and is_exact:
        return count(value)
    return _COST_FORMATTERS[cost.unit](value)


_COST_FORMATTERS: Mapping[str, Callable[[float | None], str]] = {
    "weights": count,
    "operations": short_count,
    "bytes": memory,
    "seconds": duration,
    "cases per second": count,
}


def temperature_text(temperature: float) -> str:
    """A calibration after temperature scaling.

    >>> temperature_text(1.2345)
    'temperature 1.23'
    """
    return f"temperature {temperature:.2f}"


def word_list(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> word_list(["accuracy", "recall", "MCC"]), word_list(["MCC"])
    ('accuracy, recall and MCC', 'MCC')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def shape(sizes: list[int]) -> str:
    """Sizes with the multiplication sign.

    >>> shape([64, 64, 10, 1])
    '64 × 64 × 10 × 1'
    """
    return " × ".join(str(size) for size in sizes)


def short_case(name: str, length: int = 24) -> str:
    """A case's name, without its middle if it is long.

    >>> short_case("1.3.6.1.4.1.14519.5.2.1.6279.6001.1000#812", 15)
    '1.3.6.1…1000#812'
    >>> [short_case("x" * length) == "x" * length for length in (24, 25)]
    [True, False]
    """
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length - length // 2) :]}"


def reported_set(sets: list[str]) -> str:
    """The reported set: the test set, else the validation set, else the training set."""
    return next(name for name in ("test", "validation", "train") if name in sets)
