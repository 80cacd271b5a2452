"""Training curves: loss and metrics against the epoch for training and validation, with the kept epoch marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from archnet.report.figures.panel import (
    AXIS_HEIGHT,
    LINE_HEIGHT,
    Axis,
    Panel,
    integer_ticks,
    legend,
    linear_axis,
    linear_ticks,
)
from archnet.report.figures.svg import NARROW, WIDE, Drawing, Stroke, colour, named_stroke
from archnet.report.wording import SET_NAMES, decimals
from archnet.spec.metrics import Metric, find_summary_column, history_column, metrics_shown_in

_SETS: Final = ("train", "validation")
_LEFT: Final = 46
_TOP: Final = 30
_HEIGHT: Final = 180
_ROW_HEIGHT: Final = _TOP + _HEIGHT + AXIS_HEIGHT + 6
_KEPT: Final = Stroke(colour=colour("faint"), dashes="1 3")

History = Mapping[str, Sequence[float]]
"""The columns of `history.csv`."""


def training_curves_drawing(history: History, kept_epoch: int | None = None) -> Drawing:
    """Draw a panel for each metric in `history.csv`; metrics with the same range share their axis.

    Args:
        history: The columns.
        kept_epoch: The epoch whose weights were kept, from 1, if known.
    """
    metrics = [
        metric
        for metric in metrics_shown_in("training_curves")
        if any(find_summary_column(history, name, metric.name) in history for name in _SETS)
    ]
    columns = math.ceil(len(metrics) / 2) if len(metrics) > 3 else max(1, len(metrics))
    wide, narrow = (
        _layout(history, metrics, kept_epoch, num_columns, width)
        for num_columns, width in ((columns, WIDE), (1, NARROW))
    )
    return replace(wide, narrow=narrow)


def _layout(
    history: History, metrics: Sequence[Metric], kept_epoch: int | None, num_columns: int, width: float
) -> Drawing:
    pitch = min(width / num_columns, NARROW)
    panels = [
        _panel(history, metric, (place % num_columns) * pitch, place // num_columns * _ROW_HEIGHT, pitch, kept_epoch)
        for place, metric in enumerate(metrics)
    ]
    entries = [(SET_NAMES[name], named_stroke(name)) for name in _SETS]
    entries += [(f"kept epoch, {kept_epoch}", _KEPT)] if kept_epoch is not None else []
    top = math.ceil(len(metrics) / num_columns) * _ROW_HEIGHT + 14
    return Drawing(
        width=max(pitch * min(num_columns, len(metrics)), 200),
        height=top + LINE_HEIGHT * (len(entries) - 1) + 8,
        elements="".join(panels) + legend(entries, _LEFT, top),
        alt=_alt_text(history, metrics, kept_epoch),
    )


def _panel(history: History, metric: Metric, left: float, top: float, pitch: float, kept_epoch: int | None) -> str:
    epochs = history["epoch"]
    names = {name: find_summary_column(history, name, metric.name) for name in _SETS}
    columns = {name: history[column] for name, column in names.items() if column in history}
    is_macro = any(history_column(name, metric.name) != column for name, column in names.items())
    label = metric.macro_label if is_macro else metric.label
    panel = Panel(
        left=left + _LEFT, top=top + _TOP, width=pitch - _LEFT - 14, height=_HEIGHT,
        x=_epoch_axis(epochs), y=_axis(metric, columns),
    )  # fmt: skip
    curves = [
        panel.line(epochs, values, stroke.colour, stroke_dasharray=stroke.dashes)
        + "".join(panel.dot(*point, 3.5, fill=stroke.colour) for point in _lone_points(epochs, values))
        for values, stroke in ((values, named_stroke(name)) for name, values in columns.items())
    ]
    return panel.axes(label[0].upper() + label[1:]) + _kept_line(panel, kept_epoch) + "".join(curves)


def _kept_line(panel: Panel, kept_epoch: int | None) -> str:
    if kept_epoch is None:
        return ""
    ends = [panel.y.low, panel.y.high]
    return panel.line([kept_epoch] * 2, ends, _KEPT.colour, stroke_dasharray=_KEPT.dashes)


def _alt_text(history: History, metrics: Sequence[Metric], kept_epoch: int | None) -> str:
    """The text alternative: the number of epochs, and each curve's value at the kept or last epoch."""
    epochs = list(history["epoch"])
    row = epochs.index(kept_epoch) if kept_epoch in epochs else -1
    values = [
        f"{SET_NAMES[name]} {metric.label} {decimals(history[column][row])}"
        for metric in metrics
        for name in _SETS
        if (column := find_summary_column(history, name, metric.name)) in history
        and math.isfinite(history[column][row])
    ]
    where = "in the last one" if kept_epoch is None else f"in epoch {kept_epoch}, whose weights were kept"
    summary = f" {where[0].upper()}{where[1:]}: {', '.join(values)}." if values else ""
    return f"Training curves over {len(epochs)} epoch{'' if len(epochs) == 1 else 's'}.{summary}"


def _epoch_axis(epochs: Sequence[float]) -> Axis:
    axis = linear_axis("epoch", epochs)
    return Axis(label=axis.label, low=axis.low, high=axis.high, ticks=integer_ticks(axis.low, axis.high))


def _axis(metric: Metric, columns: Mapping[str, Sequence[float]]) -> Axis:
    if not metric.range:
        return linear_axis("", [value for values in columns.values() for value in values])
    low, high = metric.range
    return Axis(label="", low=low - 0.02, high=high + 0.02, ticks=linear_ticks(low, high))


def _lone_points(epochs: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    """The points of a curve that is too short for a visible line."""
    points = [point for point in zip(epochs, values, strict=True) if point[1] == point[1]]
    return points if len(points) < 3 else []
