"""FROC section: curves, sensitivities and CPM of runs whose test set contains all candidates, from their folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.errors import DataError
from archnet.evaluation.curve_bands import Band
from archnet.evaluation.froc.curve import BAND_RATES, NUM_DOUBLINGS, RATE_NAMES, RATES
from archnet.evaluation.run_folder import read_optional_json
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.files.luna16_lists import DIAMETER
from archnet.report.comparison_wording import p_value_text
from archnet.report.curves import Curve, Plot
from archnet.report.few_scans_caution import few_scans_caution
from archnet.report.figures.ranking import curve_drawing
from archnet.report.figures.svg import Drawing
from archnet.report.strata.strata_wording import stratum_label
from archnet.spec.outputs.output_file import OUTPUT_FILES

FROC: Final = Plot(name="froc", title="FROC", x="false positives per scan (log scale)", y="sensitivity", area="CPM")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFroc:
    """FROC of a single run, or of several pooled runs.

    Attributes:
        name: Name in tables and legends.
        folder: The folder with the `froc/curve.json` to draw.
        results: The entry "froc" of `metrics.json`.
        hue: The name of its colour in the theme.
    """

    name: str
    folder: Path
    results: Mapping[str, Any]
    hue: str = ""


def run_froc(name: str, folder: Path, metrics: Mapping[str, Any]) -> list[RunFroc]:
    """The FROC of a run's `metrics.json`, if any."""
    return [RunFroc(name=name, folder=folder, results=metrics["froc"])] if "froc" in metrics else []


def froc_section(
    frocs: Sequence[RunFroc], differences: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any] | None:
    """The values of the template; None if no run has a FROC curve.

    Args:
        frocs: FROC results of all runs.
        differences: Result of `froc_differences`, by architecture.
    """
    froc_curves = [(froc, _read_curve(froc.folder / "froc/curve.json")) for froc in frocs]
    frocs_with_curve = [(froc, curve) for froc, curve in froc_curves if curve]
    if not frocs_with_curve:
        return None
    curves = [_plot_curve(froc, curve) for froc, curve in frocs_with_curve]
    ticks = list(zip(_axis_positions(np.array(RATES)).tolist(), RATE_NAMES, strict=True))
    num_scans = [froc.results["num_scans"] for froc, _ in frocs_with_curve if "num_scans" in froc.results]
    return {
        "cautions": few_scans_caution(min(num_scans, default=None)),
        "drawing": curve_drawing(FROC, curves, FROC.title, ticks),
        "rates": RATE_NAMES,
        "rows": [{"name": froc.name, "hue": froc.hue, **froc.results} for froc, _ in frocs_with_curve],
        "differences": [_difference_rows(name, entry) for name, entry in (differences or {}).items()],
    }


def _difference_rows(name: str, difference: Mapping[str, Any]) -> dict[str, Any]:
    """The differences of one architecture at the seven rates, followed by that of the CPM."""
    entries = [*difference["sensitivities"], difference["cpm"]]
    return {"name": name, "reference": difference["reference"], "cells": list(map(_difference_cell, entries))}


def froc_by_diameter(
    frocs: Sequence[RunFroc],
    differences: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    reference: str = "",
) -> dict[str, Any] | None:
    """The values of the template for FROC by nodule diameter; None if no run has one.

    A single run has all strata in one plot; several runs have a plot for each stratum.

    Args:
        frocs: FROC results of all runs.
        differences: Result of `cpm_differences_by_stratum`.
        reference: Name of the reference of the differences.
    """
    stratified = [froc for froc in frocs if froc.results.get("by_diameter")]
    names = list(dict.fromkeys(one["name"] for froc in stratified for one in froc.results["by_diameter"]))
    if not names:
        return None
    by_name = {name: [_stratum_froc(froc, name) for froc in stratified] for name in names}
    return {
        "names": [froc.name for froc in stratified],
        "rows": [_stratum_values(name, parts) for name, parts in by_name.items()],
        "has_few": any(one.get("is_small") for froc in stratified for one in froc.results["by_diameter"]),
        "drawings": _draw_strata(by_name, len(stratified)),
        "differences": _stratum_differences(differences or {}, reference),
    }


def _stratum_differences(
    differences: Mapping[str, Mapping[str, Mapping[str, Any]]], reference: str
) -> dict[str, Any] | None:
    """The table of differences in CPM: networks in columns, strata in rows; None without differences."""
    names = list(dict.fromkeys(name for entries in differences.values() for name in entries))
    rows = [
        {"label": stratum_label(DIAMETER, stratum), "cells": [_difference_cell(entries.get(name)) for name in names]}
        for stratum, entries in differences.items()
    ]
    return {"reference": reference, "names": names, "rows": rows} if rows else None


def _difference_cell(entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """A difference in a table; blank if a network lacks the stratum."""
    if entry is None:
        return {"difference": None, "interval": None, "p_text": ""}
    return {**entry, "p_text": p_value_text(entry["p_holm"])}


def _stratum_froc(froc: RunFroc, name: str) -> RunFroc | None:
    """The FROC of one stratum; None if the run has no nodule in it."""
    results = next((one for one in froc.results["by_diameter"] if one["name"] == name), None)
    return None if results is None else replace(froc, results=results)


def _stratum_values(name: str, parts: Sequence[RunFroc | None]) -> dict[str, Any]:
    results = [{} if part is None else part.results for part in parts]
    return {
        "label": stratum_label(DIAMETER, name) + (", few" if any(one.get("is_small") for one in results) else ""),
        "num_nodules": max(one.get("num_nodules", 0) for one in results),
        "cells": [{"cpm": one.get("cpm"), "interval": one.get("intervals", {}).get("cpm")} for one in results],
    }


def _draw_strata(by_name: Mapping[str, Sequence[RunFroc | None]], num_runs: int) -> list[Drawing]:
    ticks = list(zip(_axis_positions(np.array(RATES)).tolist(), RATE_NAMES, strict=True))
    curves = {name: [part for part in map(_stratum_curve, parts) if part] for name, parts in by_name.items()}
    if num_runs > 1:
        return [
            curve_drawing(FROC, entries, f"FROC, {stratum_label(DIAMETER, name)}", ticks)
            for name, entries in curves.items()
            if entries
        ]
    together = [
        replace(entry, name=stratum_label(DIAMETER, name), hue="", band=None)
        for name, entries in curves.items()
        for entry in entries
    ]
    return [curve_drawing(FROC, together, "FROC by nodule diameter", ticks)] if together else []


def _stratum_curve(froc: RunFroc | None) -> Curve | None:
    if froc is None:
        return None
    curve = _read_curve(froc.folder / "froc/curve.json")
    points = (curve or {}).get("by_diameter", {}).get(froc.results["name"])
    return _plot_curve(froc, points) if points else None


def _read_curve(path: Path) -> dict[str, Any] | None:
    """Read the curve of a run, or None if it has none.

    Raises:
        DataError: The file is damaged, or its columns are inconsistent.
    """
    curve = read_optional_json(path)
    if curve is None:
        return None
    for points in (curve, *curve.get("by_diameter", {}).values()):
        if not _is_consistent(points):
            raise DataError(
                f"{path}: its rates do not increase, or do not match its sensitivities and its band. "
                f"{OUTPUT_FILES[path.name].remedy}"
            )
    return curve


def _is_consistent(points: Mapping[str, Any]) -> bool:
    rates, band = points["false_positives_per_scan"], points["band"]
    is_rising = all(low <= high for low, high in pairwise(rates))
    return is_rising and len(points["sensitivity"]) == len(rates) and (not band or len(band) == len(BAND_RATES))


def _axis_positions(rates: Floats) -> Floats:
    """Positions of rates on the axis, 0 at the first and 1 at the last of the seven."""
    positions: Floats = np.log2(rates / RATES[0]) / NUM_DOUBLINGS
    return positions


def _plot_curve(froc: RunFroc, points: Mapping[str, Any]) -> Curve:
    """The part of a curve between the first and the last rate."""
    rates, sensitivity = np.array(points["false_positives_per_scan"]), np.array(points["sensitivity"])
    is_visible = (rates > RATES[0]) & (rates < RATES[-1])
    x = np.concatenate([BAND_RATES, rates[is_visible]])  # linear segments between points are curved on this axis
    y = np.concatenate([np.interp(BAND_RATES, rates, sensitivity), sensitivity[is_visible]])
    order = np.lexsort((y, x))
    return Curve(
        name=froc.name,
        x=_axis_positions(x[order]),
        y=y[order],
        area=froc.results["cpm"],
        hue=froc.hue,
        interval=froc.results.get("intervals", {}).get("cpm"),
        band=_band(points["band"]),
    )


def _band(ends: list[list[float]] | None) -> Band | None:
    return None if ends is None else (_axis_positions(BAND_RATES), *np.array(ends).T)
