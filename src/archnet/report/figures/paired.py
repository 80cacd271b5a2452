"""Figure of paired differences between each architecture and the reference, with a line at zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Axis, Panel, dot_legend, linear_axis
from archnet.report.figures.svg import (
    NARROW,
    WIDE,
    Drawing,
    colour,
    row_label,
    series_colour,
    shorten,
    text,
    text_width,
)

Entry = tuple[float | None, Sequence[float] | None]
"""A number and the ends of its interval; None where undefined."""

_ENTRY_HEIGHT: Final = 24
_LABEL_HEIGHT: Final = 20


def difference_drawing(
    reference: str, others: Mapping[str, int], rows: Mapping[str, Sequence[Entry]], alt: str
) -> Drawing:
    """Draw each difference and its 95% interval as a dot and a line; dots are hollow if the interval contains zero.

    Args:
        reference: Name of the architecture that all are compared to.
        others: Names of the other architectures, each with its index in the comparison, which determines its colour.
        rows: Entries of the other architectures, by measure.
        alt: Alternative text, with the numbers.
    """
    wide, narrow = (_layout(reference, others, rows, alt, width) for width in (WIDE, NARROW))
    return replace(wide, narrow=narrow)


def _layout(
    reference: str, others: Mapping[str, int], rows: Mapping[str, Sequence[Entry]], alt: str, width: float
) -> Drawing:
    """A narrow figure has the name of each measure above its entries, a wide one next to them."""
    is_narrow = width < WIDE
    panel = _panel(others, rows, width)
    parts = [panel.axes(), panel.line([0, 0], [panel.y.low, panel.y.high], colour("faint"), stroke_width=1.2)]
    step = _row_step(others, is_narrow=is_narrow)
    for row, (label, entries) in enumerate(rows.items()):
        first = row * step + is_narrow * _LABEL_HEIGHT / _ENTRY_HEIGHT
        parts.append(
            _label(label, panel, first - 0.8 if is_narrow else first + (len(others) - 1) / 2, is_narrow=is_narrow)
        )
        for k, (entry, place) in enumerate(zip(entries, others.values(), strict=True)):
            parts.append(_entry(panel, entry, first + k, series_colour(place)))
    other = shorten(next(iter(others))) if len(others) == 1 else "the other"
    parts.append(_direction(panel, shorten(reference), other))
    legend_top = panel.bottom + AXIS_HEIGHT + 18
    parts.append(dot_legend(others, panel.left, legend_top) if len(others) > 1 else "")
    height = panel.bottom + AXIS_HEIGHT + (LINE_HEIGHT * len(others) + 10 if len(others) > 1 else 0)
    return Drawing(width=width, height=height, elements="".join(parts), alt=alt)


def _direction(panel: Panel, reference: str, other: str) -> str:
    """Label the sides of zero with the better network, on two lines if one is too short."""
    ((zero, _),) = panel.points(0, panel.y.low).tolist()
    right, y = panel.left + panel.width, panel.bottom + 36
    style = {"font_size": 13, "fill": colour("ink")}
    first, second = f"◀ {reference} better", f"{other} better ▶"
    zero = min(max(zero, panel.left + text_width(first, 13) + 8), right - text_width(second, 13) - 8)
    return text(first, zero - 8, y, text_anchor="end", **style) + text(second, zero + 8, y, **style)


def _entry(panel: Panel, entry: Entry, row: float, hue: str) -> str:
    """Draw a dot with its interval, hollow if the interval contains zero; draw a text for an undefined number."""
    value, interval = entry
    if value is None:
        ((x, y),) = panel.points(0, row).tolist()
        return text("undefined", x + 8, y + 4)
    line = panel.line(interval, [row, row], hue, stroke_width=2.6) if interval is not None else ""
    is_hollow = interval is not None and interval[0] <= 0 <= interval[1]
    return line + panel.dot(value, row, 5, fill=colour("paper") if is_hollow else hue, stroke=hue, stroke_width=2)


def _row_step(others: Mapping[str, int], *, is_narrow: bool) -> float:
    """The distance between two measures, in entries."""
    return len(others) + 0.7 + is_narrow * _LABEL_HEIGHT / _ENTRY_HEIGHT


def _panel(others: Mapping[str, int], rows: Mapping[str, Sequence[Entry]], width: float) -> Panel:
    is_narrow = width < WIDE
    num_entries = len(rows) * _row_step(others, is_narrow=is_narrow) - 0.2
    values = [0.0, *(number for entries in rows.values() for entry in entries for number in _numbers(entry))]
    left = 12 if is_narrow else 16 + max(map(text_width, rows), default=0)
    return Panel(
        left=left,
        top=8,
        width=width - left - 14,
        height=_ENTRY_HEIGHT * num_entries,
        x=linear_axis("", values, num_ticks=5 if is_narrow else 8),
        y=Axis(label="", low=num_entries - 0.75, high=-0.75, ticks=()),
    )


def _numbers(entry: Entry) -> list[float | None]:
    value, interval = entry
    return [value, *(interval or ())]


def _label(label: str, panel: Panel, row: float, *, is_narrow: bool) -> str:
    ((_, y),) = panel.points(0, row).tolist()
    if is_narrow:
        return row_label(label, panel.left, y + 4, panel.width)
    return text(label, panel.left - 10, y + 4, text_anchor="end", fill=colour("ink"))
