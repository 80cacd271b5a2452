"""Recall bars: the recall of each network with its 95% interval, on one axis from 0 to 100%."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archnet.report.figures.svg import Drawing, colour, element, shorten, text, text_width
from archnet.report.wording import percent

WIDE: Final = 620
NARROW: Final = 342

_BAR: Final = 18
_THIN_BAR: Final = 10
_LABEL: Final = 18
_GAP: Final = 10
_MAX_THICK: Final = 3  # bars
_AXIS: Final = 26
_CAP: Final = 5
_TICKS: Final = (0, 0.25, 0.5, 0.75, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar.

    Attributes:
        label: Name of the network with its form.
        text: The number in words, such as "41 of 42 (97.6%)".
        value: From 0 to 1; None where undefined.
        interval: 95% interval; None where it cannot be estimated.
        mark: The reference's value at the same operating point, if its own bar is at a different one; otherwise None.
        mark_name: Name of the reference.
        hue: Name of the colour of the network or the set.
    """

    label: str
    text: str
    value: float | None
    interval: Sequence[float] | None
    mark: float | None = None
    mark_name: str = ""
    hue: str


def recall_bars(title: str, bars: Sequence[Bar], width: int = WIDE, narrow: Drawing | None = None) -> Drawing:
    """Draw horizontal bars, each below its label and number, with a common axis at the bottom.

    Args:
        title: Title for the alternative text.
        bars: In their order.
        width: Width of the drawing, in pixels.
        narrow: The same bars for a phone.
    """
    thickness = _BAR if len(bars) <= _MAX_THICK else _THIN_BAR
    step = _LABEL + thickness + _GAP
    bottom = step * len(bars)
    marks = [bar.mark_name for bar in bars if bar.mark is not None]
    parts = [_axis(width, bottom)]
    parts += [_bar(bar, width, step * row, thickness) for row, bar in enumerate(bars)]
    parts += [_mark_legend(marks[0], bottom + _AXIS + 8)] if marks else []
    return Drawing(
        width=width,
        height=bottom + _AXIS + (20 if marks else 0),
        elements="".join(parts),
        alt=_alt_text(title, bars),
        narrow=narrow,
    )


def _mark_legend(name: str, y: float) -> str:
    line = element("path", d=f"M4 {y - 9:g}v14", stroke=colour("ink"), stroke_width=2, stroke_dasharray="3 2")
    return line + text(f"{shorten(name)} at the same false-positive rate", 14, y + 2)


def _alt_text(title: str, bars: Sequence[Bar]) -> str:
    """The text alternative of the bars."""
    return f"{title}: {'; '.join(f'{bar.label} {bar.text}{_interval_text(bar)}' for bar in bars)}."


def _interval_text(bar: Bar) -> str:
    return f" ({percent(bar.interval[0])} to {percent(bar.interval[1])})" if bar.interval else ""


def _position(share: float, width: int) -> float:
    return 1 + (width - 2) * share


def _axis(width: int, bottom: float) -> str:
    parts = []
    for tick in _TICKS:
        x = _position(tick, width)
        anchor = "start" if tick == 0 else "end" if tick == 1 else "middle"
        parts.append(element("path", d=f"M{x:g} {_LABEL}V{bottom:g}", stroke=colour("line")))
        parts.append(text(f"{100 * tick:g}%", x, bottom + 15, text_anchor=anchor))
    return "".join(parts)


def _bar(bar: Bar, width: int, top: float, thickness: int) -> str:
    ink, left = colour("ink"), top + _LABEL
    number = f"{bar.text}{_interval_text(bar)}"
    if text_width(bar.label) + text_width(number) + 12 > width:
        number = bar.text
    label = bar.label if text_width(bar.label) + text_width(number) + 12 <= width else shorten(bar.label)
    parts = [
        text(label, 0, top + 13, fill=ink, font_weight=600),
        text(number, width, top + 13, fill=ink, text_anchor="end"),
    ]
    if bar.value is not None:
        length = max(1.5, _position(bar.value, width) - 1)
        parts.append(element("rect", x=1, y=left, width=length, height=thickness, fill=bar.hue, rx=2))
    if bar.mark is not None:
        x = _position(bar.mark, width)
        parts.append(_lined(f"M{x:g} {left - 3:g}v{thickness + 6}", 2, stroke_dasharray="3 2"))
    if bar.interval is not None:
        parts.append(_whisker(bar.interval, width, left + thickness / 2))
    return "".join(parts)


def _lined(path: str, size: float, **attributes: str) -> str:
    """A path with an outline in the background colour, visible on any bar."""
    ground = element("path", d=path, stroke=colour("paper"), stroke_width=size + 2, fill="none")
    return ground + element("path", d=path, stroke=colour("ink"), stroke_width=size, fill="none", **attributes)


def _whisker(interval: Sequence[float], width: int, y: float) -> str:
    """The interval as a line with caps."""
    low, high = (_position(end, width) for end in interval)
    caps = "".join(f"M{x:g} {y - _CAP:g}v{2 * _CAP}" for x in (low, high))
    return _lined(f"M{low:g} {y:g}H{high:g}{caps}", 1.8)
