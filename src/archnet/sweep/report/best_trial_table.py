"""The metrics of the best trial on the validation and test sets, with their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archnet.evaluation.metric_entry import Estimate, macro_estimate, macro_value
from archnet.evaluation.run_folder import read_optional_json
from archnet.report.wording import bounds, decimals
from archnet.spec.metrics import metrics_shown_in
from archnet.sweep.results.leaderboard import LeaderboardRow
from archnet.sweep.results.trials import trial_folder


def best_trial_rows(folder: Path, best: LeaderboardRow) -> list[dict[str, Any]]:
    """The metrics of the best trial on the validation and test sets; test cases of several runs are pooled."""
    sets = _metrics_by_set(folder, best)
    num_classes = max((len(metrics.get("confusion_matrix", ())) for metrics, _ in sets.values()), default=2)
    rows = [
        {
            "name": metric.summary_label(num_classes),
            "cells": {part: _cell(metrics, spread, metric.name) for part, (metrics, spread) in sets.items()},
        }
        for metric in (metrics_shown_in("sweep_report") if sets else ())
    ]
    return rows + _cpm_row(folder, best, list(sets))


def best_estimates(folder: Path, best: LeaderboardRow, metric: str) -> dict[str, Estimate]:
    """The best trial's metric on the validation and test sets, as far as they exist."""
    sets = _metrics_by_set(folder, best)
    estimates = {name: macro_estimate(metrics, metric) for name, (metrics, _) in sets.items() if metric in metrics}
    return {name: estimate for name, estimate in estimates.items() if estimate.value is not None}


def _metrics_by_set(folder: Path, best: LeaderboardRow) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Metrics, and their standard deviations over seeds, by set."""
    if len(best.trial.runs) > 1:
        pooled = _pooled_row(folder, best)
        return {"test": (pooled["metrics"], pooled["spread"] or {})} if pooled else {}
    metrics = best.metrics[0] if best.metrics else {}
    return {name: (metrics[name], {}) for name in ("validation", "test") if name in metrics}


def read_comparison(folder: Path, row: LeaderboardRow) -> dict[str, Any]:
    """Read the comparison.json of the runs of a trial; empty for a single run."""
    return read_optional_json(trial_folder(folder, row.trial.number) / "comparison.json") or {}


def _pooled_row(folder: Path, row: LeaderboardRow) -> dict[str, Any] | None:
    """The pooled runs of a trial in its comparison: each case once over the folds, means over the seeds."""
    return next(iter(read_comparison(folder, row).get("runs", [])), None)


def _cpm_row(folder: Path, row: LeaderboardRow, sets: list[str]) -> list[dict[str, Any]]:
    """The CPM on the test scans, pooled over several runs; no row if candidates were left out."""
    froc: dict[str, Any]
    if len(row.metrics) == 1:
        froc = row.metrics[0].get("froc", {})
        cell = {"value": froc.get("cpm"), "below": bounds(froc.get("intervals", {}).get("cpm"))}
    else:
        froc = next(iter(read_comparison(folder, row).get("froc", {}).values()), {})
        cell = {"value": froc.get("cpm"), "below": _cpm_uncertainty(froc)}
    nothing = {"value": None, "below": ""}
    return [{"name": "CPM", "cells": {part: cell if part == "test" else nothing for part in sets}}] if froc else []


def _cpm_uncertainty(pooled: Mapping[str, Any]) -> str:
    """The uncertainty of a pooled CPM, in the form of `_cell`."""
    if not pooled or pooled["spread"] is not None:
        return f"SD {decimals(pooled['spread'])}" if pooled else ""
    return bounds(pooled["of_seeds"][0]["intervals"]["cpm"])


def _cell(part: Mapping[str, Any], spread: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A metric, and below it its interval or its standard deviation over seeds; the macro mean for several classes."""
    value, interval = macro_estimate(part, name)
    deviation = macro_value(spread.get(name))
    return {"value": value, "below": bounds(interval) if deviation is None else f"SD {decimals(deviation)}"}
