"""Parallel coordinates: a line for each trial through the values of its hyperparameters and its metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from archnet.report.figures.panel import LINE_HEIGHT, Axis, Panel
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, element, series_colour, text, text_width
from archnet.spec.metrics import is_lower_better
from archnet.spec.sweeps.search_space import Choice, Hyperparameter, grid_values
from archnet.sweep.report.axis_labels import arch_places, metric_label
from archnet.sweep.results.analysis import value_index
from archnet.sweep.results.hyperparameter_text import hyperparameter_names, hyperparameter_text
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow

MAX_TICKS: Final = 8
"""Largest number of values of a hyperparameter that are labelled."""

LINE_LENGTH: Final = 92
"""Characters that fit side by side under the wide drawing, shared by the names of all axes."""

_HEIGHT: Final = 260
_MARGIN: Final = 10


def parallel_drawing(board: Leaderboard, alt: str) -> Drawing:
    """A line for each trial through its values and its metric: better trials darker, the best one in black."""
    return replace(_layout(board, alt, WIDE), narrow=_layout(board, alt, NARROW))


def _layout(board: Leaderboard, alt: str, width: float) -> Drawing:
    rows = [row for row in board.rows if row.is_compared]
    values = np.array([row.value for row in rows], np.float64)
    low, high = float(values.min()), float(values.max())
    heights = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    ranks = np.argsort(np.argsort(-values if is_lower_better(board.sweep.metric) else values))
    shades = ((ranks + 1) / len(rows)) ** 2  # by rank, because one bad trial would make all others dark
    panel = _panel(width, num_axes=len(board.sweep.space) + 1)
    places = arch_places(board)
    parts = [
        _line(panel, [*_value_heights(board, row), height], _line_style(row, board, places, shade))
        for row, height, shade in sorted(zip(rows, heights, shades, strict=True), key=lambda entry: entry[2])
    ]
    names = [*hyperparameter_names(list(board.sweep.space)), metric_label(board)]
    ticks = [*map(_ticks, board.sweep.space.values()), [(0.0, f"{low:.3f}"), (1.0, f"{high:.3f}")]]
    length = max(8, int(LINE_LENGTH * width / WIDE) // len(names))
    labels = [_label_axis(panel, x, name, ticks[x], length) for x, name in enumerate(names)]
    num_lines = max(len(_wrap_name(name, length)) for name in names)
    height = panel.bottom + 24 + LINE_HEIGHT * num_lines
    return Drawing(width=width, height=height, elements="".join(parts + labels), alt=alt)


def _panel(width: float, num_axes: int) -> Panel:
    """The panel of all axes, with margins for half an axis name and for the numbers right of the last axis."""
    pitch = (width - 2 * _MARGIN) / num_axes
    return Panel(
        left=_MARGIN + pitch / 2 - 20,
        top=12,
        width=pitch * (num_axes - 1),
        height=_HEIGHT,
        x=Axis(label="", low=0, high=num_axes - 1, ticks=()),
        y=Axis(label="", low=0, high=1, ticks=()),
    )


def _line(panel: Panel, heights: Sequence[float], style: dict[str, Any]) -> str:
    return panel.line(range(len(heights)), heights, **style)


def _line_style(row: LeaderboardRow, board: Leaderboard, places: dict[str, int], shade: float) -> dict[str, Any]:
    if row is board.best:
        return {"stroke": colour("ink"), "stroke_width": 3.0}
    hue = series_colour(places[row.trial.arch or ""])
    return {"stroke": hue, "stroke_width": 1.6, "stroke_opacity": 0.25 + 0.65 * shade}


def _value_heights(board: Leaderboard, row: LeaderboardRow) -> list[float]:
    return [_height(hyperparameter, row.trial.values[key]) for key, hyperparameter in board.sweep.space.items()]


def _label_axis(panel: Panel, x: int, name: str, ticks: Sequence[tuple[float, str]], length: int) -> str:
    """Draw the vertical line of an axis, its values on the right, and its name below."""
    parts = [panel.line([x, x], [0, 1], colour("faint"), stroke_width=1.2)]
    for height, label in ticks:
        ((left, top),) = panel.points(x, height).tolist()
        ground = {"fill": colour("paper")}
        parts.append(element("rect", x=left + 4, y=top - 7, width=text_width(label) + 4, height=14, **ground))
        parts.append(text(label, left + 6, top + 4, fill=colour("ink")))
    ((middle, _),) = panel.points(x, 0).tolist()
    lines = enumerate(_wrap_name(name, length), start=1)
    names = [
        text(line, middle, panel.bottom + 10 + LINE_HEIGHT * k, text_anchor="middle", fill=colour("ink"))
        for k, line in lines
    ]
    return "".join(parts + names)


def _wrap_name(name: str, length: int) -> list[str]:
    """A name in lines of at most `length` characters, broken after dots, and after underscores where that is too long.

    >>> _wrap_name("layers[1].layers[2].num_output", 20), _wrap_name("training.learning_rate", 9)
    (['layers[1].layers[2].', 'num_output'], ['training.', 'learning_', 'rate'])
    """
    parts, lines = re.findall(r"[^. ]+[. ]?", name), [""]
    if max(map(len, parts)) > length:
        parts = re.findall(r"[^._ ]*[._ ]|[^._ ]+", name)
    for part in parts:
        if lines[-1] and len(lines[-1] + part) > length:
            lines.append("")
        lines[-1] += part
    return lines


def _height(hyperparameter: Hyperparameter, value: Any) -> float:
    """The height of a value on its axis, from 0 to 1."""
    if isinstance(hyperparameter, Choice):
        return value_index(hyperparameter.values, value) / max(len(hyperparameter.values) - 1, 1)
    low, high = hyperparameter.low, hyperparameter.high
    if hyperparameter.type == "log_uniform":
        return float(np.log(value / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _ticks(hyperparameter: Hyperparameter) -> list[tuple[float, str]]:
    """Height and text of the labelled values."""
    return [(_height(hyperparameter, value), hyperparameter_text(value)) for value in _labelled_values(hyperparameter)]


def _labelled_values(hyperparameter: Hyperparameter) -> Sequence[Any]:
    """All values of a hyperparameter if they are few; otherwise the ends of a range, or evenly chosen values."""
    values = grid_values(hyperparameter) or ()
    if 0 < len(values) <= MAX_TICKS:
        return values
    if not isinstance(hyperparameter, Choice):
        return hyperparameter.low, hyperparameter.high
    return [values[round(index)] for index in np.linspace(0, len(values) - 1, MAX_TICKS)]
