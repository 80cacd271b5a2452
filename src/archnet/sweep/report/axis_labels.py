"""Axes that several drawings of a sweep share."""

from __future__ import annotations

from collections.abc import Sequence

from archnet.report.figures.panel import Axis
from archnet.report.units import count_text
from archnet.sweep.results.leaderboard import Leaderboard


def metric_label(board: Leaderboard) -> str:
    """The name of the metric on the axis of a drawing."""
    return f"validation {board.metric_label}"


def logarithmic_axis(label: str, low: float, high: float, steps: Sequence[int]) -> Axis:
    """A logarithmic axis with plain numbers.

    Args:
        label: Axis label.
        low: Value at the start of the axis.
        high: Value at the end of the axis.
        steps: Labelled multiples of each power of ten, such as 1, 2 and 5.
    """
    values = [step * 10.0**power for power in range(-3, 16) for step in steps]
    ticks = tuple((value, count_text(value)) for value in values if low <= value <= high)
    return Axis(label=label, low=low, high=high, ticks=ticks, is_logarithmic=True)
