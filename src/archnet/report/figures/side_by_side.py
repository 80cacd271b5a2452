"""Figure of the metrics of architectures side by side, with 95% intervals, all panels on the same scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from archnet.report.figures.paired import Entry
from archnet.report.figures.panel import Axis, Panel, linear_axis
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, series_colour, shorten, text, text_width

_TOP: Final = 30
_GAP: Final = 28
_ROW_HEIGHT: Final = 34
_AXIS_HEIGHT: Final = 30


def interval_drawing(names: Sequence[str], panels: Mapping[str, Sequence[Entry]], alt: str) -> Drawing:
    """Draw a panel for each metric, with a dot and an interval for each architecture; all on the same scale.

    Args:
        names: Names of the architectures.
        panels: Entries of the architectures, by metric title.
        alt: Alternative text.
    """
    wide = _layout(names, panels, alt, WIDE, num_columns=2 if len(panels) == 4 else min(len(panels), 3))
    return replace(wide, narrow=_layout(names, panels, alt, NARROW, num_columns=1))


def _layout(
    names: Sequence[str], panels: Mapping[str, Sequence[Entry]], alt: str, width: float, num_columns: int
) -> Drawing:
    labels = [shorten(name) for name in names]
    left = min(20 + max(map(text_width, labels), default=0), 0.45 * width)
    panel_width = (width - left - 16 - _GAP * (num_columns - 1)) / num_columns
    pitch = _TOP + _ROW_HEIGHT * len(names) + _AXIS_HEIGHT
    x = _axis([entry for entries in panels.values() for entry in entries], num_ticks=max(3, int(panel_width / 55)))
    y = Axis(label="", low=len(names) - 0.5, high=-0.5, ticks=())
    num_rows = math.ceil(len(panels) / num_columns)
    parts = [_names(labels, left, row * pitch + _TOP) for row in range(num_rows)]
    for place, (title, entries) in enumerate(panels.items()):
        row, column = divmod(place, num_columns)
        corner = {"left": left + column * (panel_width + _GAP), "top": row * pitch + _TOP}
        panel = Panel(**corner, width=panel_width, height=_ROW_HEIGHT * len(names), x=x, y=y)
        parts.append(_panel(panel, title, entries))
    return Drawing(width=width, height=num_rows * pitch, elements="".join(parts), alt=alt)


def _names(labels: Sequence[str], left: float, top: float) -> str:
    return "".join(
        text(label, left - 10, top + _ROW_HEIGHT * (row + 0.5) + 4, text_anchor="end", fill=colour("ink"))
        for row, label in enumerate(labels)
    )


def _axis(entries: Sequence[Entry], num_ticks: int) -> Axis:
    numbers = [number for value, interval in entries for number in (value, *(interval or ()))]
    return linear_axis("", numbers, num_ticks=num_ticks)


def _panel(panel: Panel, title: str, entries: Sequence[Entry]) -> str:
    parts = [panel.axes(title)]
    for row, (value, interval) in enumerate(entries):
        hue = series_colour(row)
        if interval is not None:
            parts.append(panel.line(interval, [row, row], hue, stroke_width=2.6))
        if value is None:
            parts.append(text("undefined", panel.left + 6, panel.points(panel.x.low, row)[0, 1] + 4))
        else:
            parts.append(panel.dot(value, row, 5, fill=hue, stroke=colour("paper")))
    return "".join(parts)
