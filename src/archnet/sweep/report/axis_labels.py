"""Axes shared by the figures of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

from archnet.report.figures.panel import Axis
from archnet.report.units import count_text
from archnet.sweep.results.leaderboard import Leaderboard


def metric_label(board: Leaderboard) -> str:
    """The axis label of the metric."""
    return f"validation {board.metric_label}"


def logarithmic_axis(label: str, low: float, high: float, steps: Sequence[int]) -> Axis:
    """A logarithmic axis with labels in decimal notation.

    Args:
        label: Axis label.
        low: Value at the start of the axis.
        high: Value at the end of the axis.
        steps: Labelled multiples of each power of ten, such as 1, 2 and 5.
    """
    values = [step * 10.0**power for power in range(-3, 16) for step in steps]
    ticks = tuple((value, count_text(value)) for value in values if low <= value <= high)
    minor = tuple(step * 10.0**power for power in range(-3, 16) for step in range(1, 10))
    minor_ticks = tuple(value for value in minor if low <= value <= high and value not in dict(ticks))
    return Axis(label=label, low=low, high=high, ticks=ticks, is_logarithmic=True, minor_ticks=minor_ticks)


def arch_places(board: Leaderboard) -> dict[str, int]:
    """The index of each architecture in the order of the trials' numbers; it determines the colour in all figures."""
    trials = sorted((row.trial for row in board.rows), key=lambda trial: trial.number)
    return {arch: place for place, arch in enumerate(dict.fromkeys(trial.arch or "" for trial in trials))}
