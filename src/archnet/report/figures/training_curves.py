"""Training curves: loss and metrics against the epoch for training and validation, with the kept epoch marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Final

from archnet.errors import pluralize
from archnet.evaluation.kept_epoch import split_members
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


def training_curves_drawing(history: History, kept_epochs: Sequence[int] = ()) -> Drawing:
    """Draw a panel for each metric in `history.csv`, with a line for each member of an ensemble.

    Args:
        history: The columns; metrics with the same range share their axis.
        kept_epochs: The epoch of each network whose weights were kept, from 1, if known.
    """
    metrics = [
        metric
        for metric in metrics_shown_in("training_curves")
        if any(find_summary_column(history, name, metric.name) in history for name in _SETS)
    ]
    columns = math.ceil(len(metrics) / 2) if len(metrics) > 3 else max(1, len(metrics))
    wide, narrow = (
        _layout(history, metrics, kept_epochs, num_columns, width)
        for num_columns, width in ((columns, WIDE), (1, NARROW))
    )
    return replace(wide, narrow=narrow)


def _layout(
    history: History, metrics: Sequence[Metric], kept_epochs: Sequence[int], num_columns: int, width: float
) -> Drawing:
    pitch = min(width / num_columns, NARROW)
    panels = [
        _panel(history, metric, (place % num_columns) * pitch, place // num_columns * _ROW_HEIGHT, pitch, kept_epochs)
        for place, metric in enumerate(metrics)
    ]
    entries = [(SET_NAMES[name], named_stroke(name)) for name in _SETS]
    entries += [(_kept_text(kept_epochs), _KEPT)] if kept_epochs else []
    top = math.ceil(len(metrics) / num_columns) * _ROW_HEIGHT + 14
    return Drawing(
        width=max(pitch * min(num_columns, len(metrics)), 200),
        height=top + LINE_HEIGHT * (len(entries) - 1) + 8,
        elements="".join(panels) + legend(entries, _LEFT, top),
        alt=_alt_text(history, metrics, kept_epochs),
    )


def _kept_text(kept_epochs: Sequence[int]) -> str:
    """The legend of the kept epochs, of one network or of several.

    >>> _kept_text([2, 2]), _kept_text([3, 2, 5])
    ('kept epoch, 2', 'kept epochs, 2 to 5')
    """
    first, last = min(kept_epochs), max(kept_epochs)
    return f"kept epochs, {first} to {last}" if first < last else f"kept epoch, {first}"


def _panel(history: History, metric: Metric, left: float, top: float, pitch: float, kept_epochs: Sequence[int]) -> str:
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
        _curve(panel, own["epoch"], own[names[name]], named_stroke(name))
        for name in columns
        for own in split_members(history).values()
    ]
    kept_lines = [_kept_line(panel, epoch) for epoch in sorted(set(kept_epochs))]
    return panel.axes(label[0].upper() + label[1:]) + "".join([*kept_lines, *curves])


def _curve(panel: Panel, epochs: Sequence[float], values: Sequence[float], stroke: Stroke) -> str:
    dots = (panel.dot(*point, 3.5, fill=stroke.colour) for point in _lone_points(epochs, values))
    return panel.line(epochs, values, stroke.colour, stroke_dasharray=stroke.dashes) + "".join(dots)


def _kept_line(panel: Panel, kept_epoch: int) -> str:
    ends = [panel.y.low, panel.y.high]
    return panel.line([kept_epoch] * 2, ends, _KEPT.colour, stroke_dasharray=_KEPT.dashes)


def _alt_text(history: History, metrics: Sequence[Metric], kept_epochs: Sequence[int]) -> str:
    """The text alternative: the number of epochs, and each curve's value at the kept or last epoch."""
    members = list(split_members(history).values())
    rows = (
        [list(own["epoch"]).index(kept) for own, kept in zip(members, kept_epochs, strict=True)] if kept_epochs else []
    )
    rows = rows or [-1] * len(members)
    values = [
        f"{SET_NAMES[name]} {metric.label} {decimals(value)}"
        for metric in metrics
        for name in _SETS
        if (column := find_summary_column(history, name, metric.name)) in history
        and math.isfinite(value := mean(own[column][row] for own, row in zip(members, rows, strict=True)))
    ]
    return f"Training curves {_epochs_text(members)}.{_value_text(values, kept_epochs)}"


def _epochs_text(members: Sequence[History]) -> str:
    longest = pluralize(max(len(own["epoch"]) for own in members), "epoch")
    return f"over {longest}" if len(members) == 1 else f"of {len(members)} networks over at most {longest}"


def _value_text(values: Sequence[str], kept_epochs: Sequence[int]) -> str:
    where = "In the last one"
    if len(kept_epochs) > 1:
        where = "On average in the epochs whose weights were kept"
    elif kept_epochs:
        where = f"In epoch {kept_epochs[0]}, whose weights were kept"
    return f" {where}: {', '.join(values)}." if values else ""


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
