"""Paired figure: the differences of each architecture to the reference, with zero as the line that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archnet.report.figures.theme import Theme, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Entry = tuple[float | None, Sequence[float] | None]
"""A difference and the ends of its interval; None where undefined."""


def difference_figure(
    reference: str, others: Mapping[str, int], rows: Mapping[str, Sequence[Entry]], theme: Theme
) -> Figure:
    """Each number's difference and 95% interval: a dot and a line, hollow where the interval contains zero.

    Args:
        reference: Name of the architecture that all are compared to.
        others: Names of the others, each with the place of its colour in the theme's series.
        rows: For each number's name the entry of each of the others.
        theme: Colours.
    """
    figure = new_figure((8.4, 1.1 + (0.16 + 0.24 * len(others)) * len(rows)), theme)
    axes = figure.add_subplot()
    axes.axvline(0, color=theme.faint, lw=1)
    step = len(others) + 0.7
    colours = {name: theme.colour(place) for name, place in others.items()}
    for place, entries in enumerate(rows.values()):
        for k, (entry, colour) in enumerate(zip(entries, colours.values(), strict=True)):
            _draw_entry(axes, entry, place * step + k, colour, theme)
    axes.set_yticks([place * step + (len(others) - 1) / 2 for place in range(len(rows))], list(rows))
    axes.set_ylim(len(rows) * step - 1, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    other = next(iter(others)) if len(others) == 1 else "the other"
    axes.set_xlabel(f"◀ {reference} better      difference      {other} better ▶")
    if len(others) > 1:
        _draw_legend(axes, colours)
    figure.tight_layout()
    return figure


def _draw_entry(axes: Axes, entry: Entry, height: float, colour: str, theme: Theme) -> None:
    value, interval = entry
    is_hollow = interval is not None and interval[0] <= 0 <= interval[1]
    if interval is not None:
        axes.plot(interval, [height, height], color=colour, lw=2.2)
    if value is not None:
        axes.plot(value, height, "o", ms=6.5, mfc=theme.paper if is_hollow else colour, mec=colour, mew=1.6)
    else:
        axes.text(0, height, "  undefined", color=theme.faint, size=8, va="center")


def _draw_legend(axes: Axes, colours: Mapping[str, str]) -> None:
    """A legend that names the architectures' colours."""
    for name, colour in colours.items():
        axes.plot([], [], "o-", color=colour, label=name)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
