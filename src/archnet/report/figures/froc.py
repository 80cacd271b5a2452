"""FROC figure: sensitivity against false positives per scan from 1/8 to 8, with the 95% band."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archnet.evaluation.froc.curve import BAND_RATES, RATE_NAMES, RATES, Froc, FrocCurve
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.files.atomic import atomic_write
from archnet.report.figures.theme import LIGHT, new_figure, theme_context
from archnet.report.wording import bounds, decimals

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_LINES = ("-", "--", "-.", ":")


def write_froc_figure(path: Path, results: Mapping[str, Froc], title: str = "FROC") -> Path:
    """Write curves as a picture, by atomic rename; the file extension selects the format. See `froc_figure`."""
    with theme_context(), atomic_write(path) as draft:
        froc_figure(results, title).savefig(draft)
    return path


def froc_figure(results: Mapping[str, Froc], title: str = "FROC") -> Figure:
    """Draw FROC curves with their bands, and dots at the rates of the seven sensitivities.

    Args:
        results: FROC results by name in the legend; the curves must be defined.
        title: Above the figure.
    """
    figure = new_figure((5.8, 4.2))
    axes = figure.add_subplot()
    for place, (name, froc) in enumerate(results.items()):
        _draw_curve(axes, name, froc, LIGHT.networks[place % len(LIGHT.networks)], _LINES[place % len(_LINES)])
    axes.set_xscale("log", base=2)
    axes.set_xticks(RATES, RATE_NAMES)
    axes.minorticks_off()
    axes.set(xlim=(RATES[0] * 0.93, RATES[-1] / 0.93), ylim=(-0.02, 1.02))
    axes.set(xlabel="false positives per scan (log scale)", ylabel="sensitivity")
    axes.set_title(title)
    axes.legend(loc="lower right")
    figure.tight_layout()
    return figure


def _draw_curve(axes: Axes, name: str, froc: Froc, colour: str, line: str) -> None:
    ends = bounds(froc.cpm_interval)
    label = f"{name}, CPM {decimals(froc.cpm)}" + (f" (95% interval {ends})" if ends else "")
    axes.plot(*_visible_part(froc.curve), color=colour, linestyle=line, label=label)
    axes.plot(RATES, froc.sensitivities, "o", color=colour, ms=5)
    if froc.band is not None:
        axes.fill_between(BAND_RATES, *froc.band.T, color=colour, alpha=0.15, lw=0)


def _visible_part(curve: FrocCurve) -> tuple[Floats, Floats]:
    """The part of a curve between the first and the last rate."""
    ends = np.array([RATES[0], RATES[-1]])
    low, high = curve.sensitivity_at(ends)
    is_visible = (curve.false_positives_per_scan > ends[0]) & (curve.false_positives_per_scan < ends[1])
    rates = np.concatenate([ends[:1], curve.false_positives_per_scan[is_visible], ends[1:]])
    return rates, np.concatenate([[low], curve.sensitivity[is_visible], [high]])
