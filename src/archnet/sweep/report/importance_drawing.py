"""The importance of each hyperparameter of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from archnet.report.figures.panel import AXIS_HEIGHT, Axis, Panel
from archnet.report.figures.svg import HALO, NARROW, WIDE, Drawing, colour, element, text, text_width

_TOP: Final = 6
_ROW_HEIGHT: Final = 30
_LABEL_HEIGHT: Final = 18
_WIDEST_NAME: Final = 0.4  # of the drawing's width
_TICKS: Final = tuple((share / 100, f"{share}%") for share in range(0, 101, 20))


def importance_drawing(shares: Sequence[tuple[str, float | None]], alt: str) -> Drawing:
    """Draw a bar for each hyperparameter, the most important first."""
    ordered = sorted(shares, key=lambda entry: entry[1] or 0.0, reverse=True)
    return replace(_layout(ordered, alt, 0.8 * WIDE), narrow=_layout(ordered, alt, NARROW))


def _layout(ordered: Sequence[tuple[str, float | None]], alt: str, width: float) -> Drawing:
    """Long names are above their bars, short ones next to them."""
    left = 20 + max(text_width(name) for name, _ in ordered)
    is_above = left > _WIDEST_NAME * width
    left, height = 12 if is_above else left, (_ROW_HEIGHT + is_above * _LABEL_HEIGHT) * len(ordered)
    panel = Panel(
        left=left,
        top=_TOP,
        width=width - left - 20,
        height=height,
        x=Axis(label="share of the variance between trials", low=0, high=1.2, ticks=_TICKS),
        y=Axis(label="", low=len(ordered) - 0.5, high=-0.5, ticks=()),
    )
    bars = [_bar(panel, name, share, row, is_above=is_above) for row, (name, share) in enumerate(ordered)]
    return Drawing(width=width, height=panel.bottom + AXIS_HEIGHT, elements=panel.axes() + "".join(bars), alt=alt)


def _bar(panel: Panel, name: str, share: float | None, row: int, *, is_above: bool) -> str:
    (left, middle), (right, _) = panel.points([0, max(share or 0.0, 0.0)], row).tolist()
    middle += is_above * _LABEL_HEIGHT / 2
    bar = element("rect", x=left, y=middle - 9, width=right - left, height=18, fill=colour("accent"))
    beside: dict[str, Any] = {"text_anchor": "end", "fill": colour("ink")}
    label = (
        text(name, left, middle - 14, fill=colour("ink"), **HALO)
        if is_above
        else text(name, panel.left - 10, middle + 4, **beside)
    )
    number = "too few trials" if share is None else f"{share:.0%}"
    return label + bar + text(number, right + 6, middle + 4, fill=colour("ink"), **HALO)
