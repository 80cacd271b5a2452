"""The learning curves of all runs of a sweep."""

from __future__ import annotations

from math import isfinite
from typing import Final

from archnet.report.figures.panel import AXIS_HEIGHT, Axis, Panel, integer_ticks, linear_axis
from archnet.report.figures.svg import Drawing, colour
from archnet.sweep.report.axis_labels import logarithmic_axis, metric_label
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.trials import STOPPED

_WIDTH: Final = 1000
_HEIGHT: Final = 250


def learning_drawing(board: Leaderboard, alt: str) -> Drawing:
    """The metric of each run after each epoch: stopped runs dashed, the best trial in another colour.

    Epochs are logarithmic if trials were stopped early: ASHA compares them after 1, 3, 9, ... epochs.
    """
    values = [value for row in board.rows for curve in row.curves for value in curve.values]
    panel = Panel(
        left=64,
        top=10,
        width=_WIDTH - 76,
        height=_HEIGHT,
        x=_epoch_axis(board),
        y=linear_axis(metric_label(board), values),
    )
    curves = [_curves(panel, row, is_best=row is board.best) for row in reversed(board.rows)]
    return Drawing(width=_WIDTH, height=panel.bottom + AXIS_HEIGHT, elements=panel.axes() + "".join(curves), alt=alt)


def _epoch_axis(board: Leaderboard) -> Axis:
    longest = max(len(curve.values) for row in board.rows for curve in row.curves)
    if any(row.trial.state == STOPPED for row in board.rows) and longest > 1:
        return logarithmic_axis("epoch", 1 / 1.03, longest * 1.03, (1, 2, 3, 5))
    axis = linear_axis("epoch", (1, longest), margin=0.02)
    return Axis(label=axis.label, low=axis.low, high=axis.high, ticks=integer_ticks(axis.low, axis.high, 10))


def _curves(panel: Panel, row: LeaderboardRow, *, is_best: bool) -> str:
    """The curve of each run of a trial, with a dot at the end of a curve that stops early or has one epoch."""
    is_stopped = row.trial.state == STOPPED
    hue, width, opacity = (colour("wrong"), 2.6, 1.0) if is_best else (colour("accent"), 1.3, 0.45)
    style = {"stroke_width": width, "stroke_opacity": opacity, "stroke_dasharray": "6 3" if is_stopped else None}
    parts = []
    for curve in row.curves:
        parts.append(panel.line(range(1, len(curve.values) + 1), curve.values, hue, **style))
        if curve.values and isfinite(curve.values[-1]) and (is_stopped or len(curve.values) == 1):
            parts.append(panel.dot(len(curve.values), curve.values[-1], 3, fill=hue))
    return "".join(parts)
