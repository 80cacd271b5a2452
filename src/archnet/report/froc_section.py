"""FROC section: the curves, sensitivities and CPM of runs whose test set keeps all candidates, from their folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.evaluation.froc import BAND_RATES, RATES
from archnet.evaluation.ranking import Floats
from archnet.evaluation.run_folder import optional_json
from archnet.report.curves import Curve, Plot
from archnet.report.froc_table import RATE_NAMES
from archnet.report.inline_plot import Band, inline_plot

FROC: Final = Plot(title="FROC", x="false positives per scan", y="sensitivity", area="CPM")
_DOUBLINGS: Final = 6  # from the first rate to the last


def froc_section(runs: Mapping[str, tuple[Path, Mapping[str, Any]]]) -> dict[str, Any] | None:
    """What the template draws; None where no run has a FROC curve.

    Args:
        runs: By name, each with its folder and the content of its `metrics.json`.
    """
    drawn = {name: (folder, metrics["froc"]) for name, (folder, metrics) in runs.items() if "froc" in metrics}
    points = {name: optional_json(folder / "froc/curve.json") for name, (folder, _) in drawn.items()}
    kept = {name: curve for name, curve in points.items() if curve}
    if not kept:
        return None
    curves = [_curve(name, curve, drawn[name][1]["cpm"]) for name, curve in kept.items()]
    ticks = dict(zip(RATE_NAMES, _along(np.array(RATES)).tolist(), strict=True))
    return {
        "plot": inline_plot(FROC, curves, ticks, [_band(curve["band"]) for curve in kept.values()]),
        "rates": RATE_NAMES,
        "rows": [{"name": name, **drawn[name][1]} for name in kept],
    }


def _along(rates: Floats) -> Floats:
    """Where rates stand on the axis, 0 at the first and 1 at the last of the seven."""
    place: Floats = np.log2(rates / RATES[0]) / _DOUBLINGS
    return place


def _curve(name: str, points: Mapping[str, Any], cpm: float) -> Curve:
    """The part of a curve between the first and the last rate."""
    rates, sensitivity = np.array(points["false_positives_per_scan"]), np.array(points["sensitivity"])
    inside = (rates > RATES[0]) & (rates < RATES[-1])
    x = np.concatenate([BAND_RATES, rates[inside]])  # what is straight between points is bent on this axis
    y = np.concatenate([np.interp(BAND_RATES, rates, sensitivity), sensitivity[inside]])
    order = np.lexsort((y, x))
    return Curve(name=name, x=_along(x[order]), y=y[order], area=cpm)


def _band(ends: list[list[float]] | None) -> Band | None:
    return None if ends is None else (_along(BAND_RATES), *np.array(ends).T)
