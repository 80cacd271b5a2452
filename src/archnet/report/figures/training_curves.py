"""Training curves: loss and metrics against the epoch, training and validation together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from archnet.report.figures.svg import Drawing, dashes, series_colour
from archnet.report.wording import SET_NAMES
from archnet.spec.metrics import Metric, find_summary_column, history_column, metrics_shown_in

_SETS: Final = ("train", "validation")
_LEFT: Final = 56
_TOP: Final = 30
_WIDTH: Final = 1000
_MOST_PER_PANEL: Final = 330
_HEIGHT: Final = 180


def training_curves_drawing(history: Mapping[str, Sequence[float]]) -> Drawing:
    """Draw a panel for each metric in `history.csv`."""
    metrics = [
        metric
        for metric in metrics_shown_in("training_curves")
        if any(find_summary_column(history, name, metric.name) in history for name in _SETS)
    ]
    pitch = min(_MOST_PER_PANEL, _WIDTH / max(1, len(metrics)))
    panels = [_panel(history, metric, _LEFT + place * pitch, pitch - _LEFT - 8) for place, metric in enumerate(metrics)]
    names = [SET_NAMES[name] for name in _SETS]
    top = _TOP + _HEIGHT + AXIS_HEIGHT + 20
    epochs = len(history["epoch"])
    return Drawing(
        width=max(pitch * len(metrics), 200),
        height=top + LINE_HEIGHT * (len(names) - 1) + 8,
        elements="".join(panels) + legend(names, _LEFT, top),
        alt=f"Training curves over {epochs} epoch{'' if epochs == 1 else 's'}.",
    )


def _panel(history: Mapping[str, Sequence[float]], metric: Metric, left: float, width: float) -> str:
    epochs = history["epoch"]
    names = {place: find_summary_column(history, name, metric.name) for place, name in enumerate(_SETS)}
    columns = {place: history[name] for place, name in names.items() if name in history}
    is_macro = any(history_column(name, metric.name) != names[place] for place, name in enumerate(_SETS))
    label = metric.macro_label if is_macro else metric.label
    panel = Panel(left=left, top=_TOP, width=width, height=_HEIGHT, x=_epoch_axis(epochs), y=_axis(metric, columns))
    curves = [
        panel.line(epochs, values, series_colour(place), stroke_dasharray=dashes(place))
        + "".join(panel.dot(*point, 3.5, fill=series_colour(place)) for point in _lone_points(epochs, values))
        for place, values in columns.items()
    ]
    return panel.axes(label[0].upper() + label[1:]) + "".join(curves)


def _epoch_axis(epochs: Sequence[float]) -> Axis:
    axis = linear_axis("epoch", epochs)
    return Axis(label=axis.label, low=axis.low, high=axis.high, ticks=integer_ticks(axis.low, axis.high))


def _axis(metric: Metric, columns: Mapping[int, Sequence[float]]) -> Axis:
    if not metric.range:
        return linear_axis("", [value for values in columns.values() for value in values])
    low, high = metric.range
    return Axis(label="", low=low - 0.02, high=high + 0.02, ticks=linear_ticks(low, high))


def _lone_points(epochs: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    """The points of a curve that is too short for a visible line."""
    points = [point for point in zip(epochs, values, strict=True) if point[1] == point[1]]
    return points if len(points) < 3 else []
