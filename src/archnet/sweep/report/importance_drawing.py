"""The importance of each hyperparameter of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from archnet.report.figures.panel import AXIS_HEIGHT, Axis, Panel
from archnet.report.figures.svg import Drawing, colour, element, text, text_width

_WIDTH: Final = 620
_TOP: Final = 6
_ROW_HEIGHT: Final = 30
_TICKS: Final = tuple((share / 100, f"{share}%") for share in range(0, 101, 20))


def importance_drawing(shares: Sequence[tuple[str, float | None]], alt: str) -> Drawing:
    """Draw a bar for each hyperparameter, the most important first."""
    ordered = sorted(shares, key=lambda entry: entry[1] or 0.0, reverse=True)
    left, height = 20 + max(text_width(name) for name, _ in ordered), _ROW_HEIGHT * len(ordered)
    panel = Panel(
        left=left,
        top=_TOP,
        width=_WIDTH - left - 20,
        height=height,
        x=Axis(label="share of the variance between trials", low=0, high=1.12, ticks=_TICKS),
        y=Axis(label="", low=len(ordered) - 0.5, high=-0.5, ticks=()),
    )
    bars = [_bar(panel, name, share, row) for row, (name, share) in enumerate(ordered)]
    return Drawing(width=_WIDTH, height=panel.bottom + AXIS_HEIGHT, elements=panel.axes() + "".join(bars), alt=alt)


def _bar(panel: Panel, name: str, share: float | None, row: int) -> str:
    (left, middle), (right, _) = panel.points([0, max(share or 0.0, 0.0)], row).tolist()
    bar = element("rect", x=left, y=middle - 9, width=right - left, height=18, fill=colour("accent"))
    label = text(name, panel.left - 10, middle + 4, text_anchor="end", fill=colour("ink"))
    number = "too few trials" if share is None else f"{share:.0%}"
    return label + bar + text(number, right + 6, middle + 4, fill=colour("ink"))
