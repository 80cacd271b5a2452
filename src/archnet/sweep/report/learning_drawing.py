"""The learning curves of all runs of a sweep."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Final

from archnet.report.figures.panel import AXIS_HEIGHT, Axis, Panel, integer_ticks, linear_axis
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, series_colour
from archnet.sweep.report.axis_labels import arch_places, logarithmic_axis, metric_label
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.trials import STOPPED

_HEIGHT: Final = 250


def learning_drawing(board: Leaderboard, alt: str) -> Drawing:
    """The metric of each run after each epoch, in the colour of its architecture: the best trial on top, in black.

    Stopped runs are dashed. Epochs are logarithmic if trials were stopped early: ASHA compares them after 1, 3, 9, ...
    epochs.
    """
    return replace(_layout(board, alt, WIDE), narrow=_layout(board, alt, NARROW))


def _layout(board: Leaderboard, alt: str, width: float) -> Drawing:
    values = [value for row in board.rows for curve in row.curves for value in curve.values]
    y = linear_axis(metric_label(board), values)
    panel = Panel(left=64, top=10, width=width - 76, height=_HEIGHT, x=_epoch_axis(board), y=y)
    places = arch_places(board)
    rows = [row for row in reversed(board.rows) if row is not board.best] + [board.best] * (board.best is not None)
    curves = [_curves(panel, row, places[row.trial.arch or ""], is_best=row is board.best) for row in rows if row]
    return Drawing(width=width, height=panel.bottom + AXIS_HEIGHT, elements=panel.axes() + "".join(curves), alt=alt)


def _epoch_axis(board: Leaderboard) -> Axis:
    longest = max(len(curve.values) for row in board.rows for curve in row.curves)
    if any(row.trial.state == STOPPED for row in board.rows) and longest > 1:
        return logarithmic_axis("epoch", 1 / 1.03, longest * 1.03, (1, 2, 3, 5))
    axis = linear_axis("epoch", (1, longest), margin=0.02)
    return Axis(label=axis.label, low=axis.low, high=axis.high, ticks=integer_ticks(axis.low, axis.high, 10))


def _curves(panel: Panel, row: LeaderboardRow, place: int, *, is_best: bool) -> str:
    """The curve of each run of a trial.

    A dot marks the end of a curve that stops early or has one epoch, and the epoch that the best trial keeps.
    """
    is_stopped = row.trial.state == STOPPED
    hue, width, opacity = (colour("ink"), 2.6, 1.0) if is_best else (series_colour(place), 1.3, 0.5)
    style = {"stroke_width": width, "stroke_opacity": opacity, "stroke_dasharray": "6 3" if is_stopped else None}
    parts = []
    for curve in row.curves:
        parts.append(panel.line(range(1, len(curve.values) + 1), curve.values, hue, **style))
        last = curve.best_index if is_best and curve.best_index is not None else len(curve.values) - 1
        has_dot = is_best or is_stopped or len(curve.values) == 1
        if curve.values and isfinite(curve.values[last]) and has_dot:
            parts.append(panel.dot(last + 1, curve.values[last], 4 if is_best else 3, fill=hue))
    return "".join(parts)
