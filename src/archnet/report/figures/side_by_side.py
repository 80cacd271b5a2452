"""Side-by-side drawing: the metrics of architectures, each with its 95% interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from archnet.report.figures.paired import Entry
from archnet.report.figures.panel import Axis, Panel, linear_axis
from archnet.report.figures.svg import Drawing, colour, series_colour, text, text_width

_WIDTH: Final = 1000
_TOP: Final = 30
_GAP: Final = 34
_ROW_HEIGHT: Final = 36


def interval_drawing(names: Sequence[str], panels: Mapping[str, Sequence[Entry]], alt: str) -> Drawing:
    """Draw a panel for each metric, with a dot and an interval for each architecture.

    Args:
        names: Names of the architectures.
        panels: Entries of the architectures, by metric title.
        alt: Alternative text.
    """
    left = 20 + max(map(text_width, names), default=0)
    width = (_WIDTH - left - 16 - _GAP * (len(panels) - 1)) / len(panels)
    rows = Axis(label="", low=len(names) - 0.5, high=-0.5, ticks=())
    labels = [
        text(name, left - 10, _TOP + _ROW_HEIGHT * (row + 0.5) + 4, text_anchor="end", fill=colour("ink"))
        for row, name in enumerate(names)
    ]
    parts = [
        _panel(Panel(left=left + column * (width + _GAP), top=_TOP, width=width, height=_ROW_HEIGHT * len(names),
                     x=_axis(entries), y=rows), title, entries)
        for column, (title, entries) in enumerate(panels.items())
    ]  # fmt: skip
    return Drawing(width=_WIDTH, height=_TOP + _ROW_HEIGHT * len(names) + 24, elements="".join(labels + parts), alt=alt)


def _axis(entries: Sequence[Entry]) -> Axis:
    numbers = [number for value, interval in entries for number in (value, *(interval or ()))]
    return linear_axis("", numbers, num_ticks=4)


def _panel(panel: Panel, title: str, entries: Sequence[Entry]) -> str:
    parts = [panel.axes(title)]
    for row, (value, interval) in enumerate(entries):
        hue = series_colour(row)
        if interval is not None:
            parts.append(panel.line(interval, [row, row], hue, stroke_width=2.6))
        if value is not None:
            parts.append(panel.dot(value, row, 5, fill=hue, stroke=colour("paper")))
    return "".join(parts)
