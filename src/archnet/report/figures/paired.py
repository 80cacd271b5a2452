"""Paired drawing: the differences between each architecture and the reference, with a line at zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Axis, Panel, dot_legend, linear_axis
from archnet.report.figures.svg import Drawing, colour, series_colour, text, text_width

Entry = tuple[float | None, Sequence[float] | None]
"""A number and the ends of its interval; None where undefined."""

_WIDTH: Final = 1000
_ENTRY_HEIGHT: Final = 24
_SPACE: Final = 4 * "\N{EM SPACE}"  # renderers collapse plain spaces


def difference_drawing(
    reference: str, others: Mapping[str, int], rows: Mapping[str, Sequence[Entry]], alt: str
) -> Drawing:
    """Each number's difference and 95% interval: a dot and a line, hollow where the interval contains zero.

    Args:
        reference: Name of the architecture that all are compared to.
        others: Names of the other architectures, each with its colour index.
        rows: Entries of the other architectures, by the name of the number.
        alt: Alternative text.
    """
    panel = _panel(reference, others, rows)
    parts = [panel.axes(), panel.line([0, 0], [panel.y.low, panel.y.high], colour("faint"), stroke_width=1.2)]
    step = _row_step(others)
    for row, (label, entries) in enumerate(rows.items()):
        parts.append(_label(label, panel, row * step + (len(others) - 1) / 2))
        for k, (entry, place) in enumerate(zip(entries, others.values(), strict=True)):
            parts.append(_entry(panel, entry, row * step + k, series_colour(place)))
    parts.append(dot_legend(others, panel.left, panel.bottom + AXIS_HEIGHT + 18) if len(others) > 1 else "")
    height = panel.bottom + AXIS_HEIGHT + (LINE_HEIGHT * len(others) + 10 if len(others) > 1 else 0)
    return Drawing(width=_WIDTH, height=height, elements="".join(parts), alt=alt)


def _entry(panel: Panel, entry: Entry, row: float, hue: str) -> str:
    """Draw a dot with its interval, hollow if the interval contains zero; a text marks an undefined number."""
    value, interval = entry
    if value is None:
        ((x, y),) = panel.points(0, row).tolist()
        return text("undefined", x + 8, y + 4)
    line = panel.line(interval, [row, row], hue, stroke_width=2.6) if interval is not None else ""
    is_hollow = interval is not None and interval[0] <= 0 <= interval[1]
    return line + panel.dot(value, row, 5, fill=colour("paper") if is_hollow else hue, stroke=hue, stroke_width=2)


def _row_step(others: Mapping[str, int]) -> float:
    """The distance between two numbers, in entries."""
    return len(others) + 0.7


def _panel(reference: str, others: Mapping[str, int], rows: Mapping[str, Sequence[Entry]]) -> Panel:
    num_entries = len(rows) * _row_step(others) - 0.2
    values = [0.0, *(number for entries in rows.values() for entry in entries for number in _numbers(entry))]
    other = next(iter(others)) if len(others) == 1 else "the other"
    left = 16 + max(map(text_width, rows), default=0)
    return Panel(
        left=left,
        top=8,
        width=_WIDTH - left - 12,
        height=_ENTRY_HEIGHT * num_entries,
        x=linear_axis(f"◀ {reference} better{_SPACE}difference{_SPACE}{other} better ▶", values, num_ticks=8),
        y=Axis(label="", low=num_entries - 0.75, high=-0.75, ticks=()),
    )


def _numbers(entry: Entry) -> list[float | None]:
    value, interval = entry
    return [value, *(interval or ())]


def _label(label: str, panel: Panel, row: float) -> str:
    ((_, y),) = panel.points(0, row).tolist()
    return text(label, panel.left - 10, y + 4, text_anchor="end", fill=colour("ink"))
