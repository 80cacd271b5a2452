"""The decision curve: net benefit of a network at each threshold probability."""

from __future__ import annotations

from typing import Final

import numpy as np

from archnet.evaluation.decision.binary_cases import BinaryCases
from archnet.evaluation.uncertainty.intervals import t_quantile
from archnet.evaluation.uncertainty.ratio import Floats

THRESHOLDS: Final = tuple(percent / 100 for percent in range(1, 100))
"""Threshold probabilities of the curve."""


def decision_curve(cases: BinaryCases) -> dict[str, list[float | None]]:
    """Compute the net benefit at each threshold probability.

    Vickers and Elkin 2006, doi:10.1177/0272989X06295361: true positives minus false positives weighted by the odds t /
    (1 - t) of the threshold, as a share of all cases. The net benefit of acting on no case is 0.

    Returns:
        `thresholds`, `net_benefit`, the ends `low` and `high` of its 95% interval over groups (None where it does not
        vary), and `act_on_all`, the net benefit of acting on every case.
    """
    thresholds = np.array(THRESHOLDS)
    odds = thresholds / (1 - thresholds)
    found, false_positives, sizes = _group_counts(cases, thresholds)
    total = sizes.sum()
    benefits = found - odds * false_positives
    values = benefits.sum(axis=0) / total
    half = _half_widths((benefits - sizes[:, None] * values) / total)
    prevalence = float(cases.is_positive.mean())
    return {
        "thresholds": thresholds.tolist(),
        "net_benefit": values.tolist(),
        "low": list(map(_end_or_none, (values - half).tolist())),
        "high": list(map(_end_or_none, (values + half).tolist())),
        "act_on_all": (prevalence - (1 - prevalence) * odds).tolist(),
    }


def _group_counts(cases: BinaryCases, thresholds: Floats) -> tuple[Floats, Floats, Floats]:
    """True and false positives of each group at each threshold, (G, T), and its cases, (G,)."""
    num_groups, num_thresholds = int(cases.groups.max()) + 1, len(thresholds)
    passed = np.searchsorted(thresholds, cases.scores, "right")  # number of thresholds that a score reaches
    cells = cases.groups * (num_thresholds + 1) + passed
    counts = []
    for rows in (cases.is_positive, ~cases.is_positive):
        table = np.bincount(cells[rows], minlength=num_groups * (num_thresholds + 1)).reshape(num_groups, -1)
        counts.append(np.cumsum(table[:, :0:-1], axis=1)[:, ::-1].astype(np.float64))
    sizes = np.bincount(cases.groups, minlength=num_groups).astype(np.float64)
    return counts[0], counts[1], sizes


def _half_widths(residuals: Floats) -> Floats:
    """Half the 95% interval at each threshold, from the residuals of groups (G, T); NaN where there is none."""
    num_groups = len(residuals)
    if num_groups < 2:
        return np.full(residuals.shape[1], np.nan)
    errors = np.sqrt(num_groups / (num_groups - 1) * (residuals**2).sum(axis=0))
    return np.where(errors > 0, t_quantile(num_groups - 1) * errors, np.nan)


def _end_or_none(end: float) -> float | None:
    return None if np.isnan(end) else end
