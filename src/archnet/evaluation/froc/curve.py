"""FROC: sensitivity against false positives per scan, and CPM, as LUNA16's evaluation computes them.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015; CPM: Niemeijer et al. 2011, doi:10.1109/TMI.2010.2072789.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import number_or_none
from archnet.evaluation.froc.hits import Hits, Marks, ReferenceStandard, match_marks
from archnet.evaluation.predictions import DEFAULT_BOOTSTRAPS
from archnet.evaluation.ranking import ranking
from archnet.evaluation.uncertainty.intervals import Interval, can_resample, resamples
from archnet.evaluation.uncertainty.ratio import Floats

RATES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which the sensitivities are read."""

RATE_NAMES: Final = ("1/8", "1/4", "1/2", "1", "2", "4", "8")
"""The seven rates in tables and figures."""

CurveCounts = tuple[Floats, Floats]
"""True and false positives at each threshold."""

_SPARE: Final = 1.5
"""False positives that a resample is first evaluated on, as a multiple of the number at the highest rate."""

NUM_DOUBLINGS: Final = len(RATES) - 1
"""Number of doublings from the first rate to the last."""

_STEPS = 32  # of the band in each doubling of the rate, so that the seven rates are among the band's
BAND_RATES: Final[Floats] = 2.0 ** np.linspace(-3, 3, NUM_DOUBLINGS * _STEPS + 1)
"""False positives per scan at which the band is computed, shape (R,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrocCurve:
    """A FROC curve with a point for each distinct score, except points on the line between their neighbours.

    Attributes:
        false_positives_per_scan: Rising from 0, shape (P,).
        sensitivity: Rising from 0, shape (P,); NaN where there is no nodule.
        thresholds: A mark counts from this score on, falling from infinity, shape (P,).
    """

    false_positives_per_scan: Floats
    sensitivity: Floats
    thresholds: Floats

    def sensitivity_at(self, rates: Floats) -> Floats:
        """Sensitivity at rates of false positives per scan, linearly interpolated, constant beyond the last point."""
        return np.interp(rates, self.false_positives_per_scan, self.sensitivity)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Froc:
    """The result of a FROC analysis.

    Attributes:
        curve: The curve over all scans.
        hits: The hits behind the curve.
        sensitivities: At `RATES`, shape (7,); NaN where there is no nodule.
        band: 95% interval of the sensitivity at `BAND_RATES`, shape (R, 2); None without bootstraps.
        cpm_interval: 95% interval of the CPM; None without bootstraps.
    """

    curve: FrocCurve
    hits: Hits
    sensitivities: Floats
    band: Floats | None
    cpm_interval: Interval | None

    @property
    def cpm(self) -> float:
        """The mean of the seven sensitivities; NaN where there is no nodule."""
        return float(self.sensitivities.mean())

    @property
    def intervals(self) -> list[Interval | None]:
        """95% intervals of the seven sensitivities."""
        return [None] * len(RATES) if self.band is None else self.band[::_STEPS].tolist()

    def to_document(self) -> dict[str, Any]:
        """The results, JSON-ready; undefined numbers are None."""
        hits = self.hits
        return {
            "cpm": number_or_none(self.cpm),
            "false_positives_per_scan": list(RATES),
            "sensitivities": list(map(number_or_none, self.sensitivities)),
            "intervals": {"cpm": self.cpm_interval, "sensitivities": self.intervals},
            "num_scans": len(hits.num_nodules),
            "num_nodules": int(hits.num_nodules.sum()),
            "num_marks": hits.num_marks,
            "num_true_positives": hits.num_true_positives,
            "num_false_positives": hits.num_false_positives,
            "num_false_negatives": hits.num_false_negatives,
            "num_ignored": hits.num_ignored,
            "num_double": hits.num_double,
            "num_unlisted": hits.num_unlisted,
        }


def compute_froc(
    marks: Marks,
    reference: ReferenceStandard,
    *,
    max_marks: int | None = None,
    bootstraps: int = DEFAULT_BOOTSTRAPS,
    seed: int = 0,
) -> Froc:
    """Compute the FROC analysis of a detector's marks.

    The intervals come from resamples of the listed scans, as many as there are, with replacement; a scan without
    marks and nodules is drawn like any other and counts as a scan. Resamples without nodules are omitted.

    Args:
        marks: A network's scores of candidates, or a submission.
        reference: The evaluated scans, their nodules and excluded findings.
        max_marks: Maximum number of marks per scan, the best ones; see `match_marks`.
        bootstraps: Number of resamples for the intervals; 0 omits them.
        seed: Seed of the resamples.
    """
    hits = match_marks(marks, reference, max_marks)
    curve = froc_curve(hits)
    samples = bootstrap_sensitivities(hits, BAND_RATES, bootstraps, seed)
    return Froc(
        curve=curve,
        hits=hits,
        sensitivities=curve.sensitivity_at(np.array(RATES)),
        band=None if samples is None else _percentile_band(samples),
        cpm_interval=None
        if samples is None
        else _percentile_band(samples[:, ::_STEPS].mean(axis=1, keepdims=True))[0].tolist(),
    )


def froc_curve(hits: Hits) -> FrocCurve:
    """The FROC curve of hits."""
    mark_ranking = ranking(hits.scores, hits.is_nodule)
    true_positives, false_positives = mark_ranking.counts(np.ones(len(hits.scores)))
    corners = np.flatnonzero(_is_corner(true_positives, false_positives))
    rates, sensitivity = _curve_points((true_positives, false_positives), _scan_counts(hits).sum(axis=1))
    indices = np.append(0, corners + 1)
    return FrocCurve(
        false_positives_per_scan=rates[indices],
        sensitivity=sensitivity[indices],
        thresholds=np.append(np.inf, mark_ranking.thresholds[corners]),
    )


def _is_corner(true_positives: Floats, false_positives: Floats) -> NDArray[np.bool_]:
    """Whether the curve begins, bends or ends at each count, without the origin."""
    bends = (np.diff(true_positives, 2) != 0) | (np.diff(false_positives, 2) != 0)
    return np.concatenate([[True], bends, [True]])[: len(true_positives)]


def _scan_counts(hits: Hits) -> Floats:
    """Counts per scan: true positives, false positives, nodules, and 1 for the scan itself; shape (4, S)."""
    num_scans = len(hits.num_nodules)
    found, false = (np.bincount(hits.scans[rows], minlength=num_scans) for rows in (hits.is_nodule, ~hits.is_nodule))
    return np.stack([found, false, hits.num_nodules, np.ones(num_scans)]).astype(np.float64)


def _curve_points(counts: CurveCounts, totals: Floats) -> tuple[Floats, Floats]:
    """False positives per scan and sensitivity, the origin first.

    Args:
        counts: True and false positives at a descending subset of the thresholds, shape (P,) each.
        totals: Sums of `_scan_counts` over the scans.
    """
    all_true, all_false, num_nodules, num_scans = totals.tolist()
    true_positives, false_positives = counts
    return _divide_counts(false_positives, all_false, num_scans), _divide_counts(true_positives, all_true, num_nodules)


def _divide_counts(counts: Floats, last: float, total: float) -> Floats:
    """Prepend 0 to counts, and divide them first by the count at the last threshold and then by a total.

    The official evaluation divides in this order; its rounding decides on which side of a rate a point on it falls.
    """
    counts = np.append(0.0, counts)
    if last == 0:
        return counts if total else counts + np.nan
    quotients: Floats = counts / last * last / total
    return quotients


def bootstrap_sensitivities(hits: Hits, rates: Floats, bootstraps: int, seed: int) -> Floats | None:
    """Sensitivity at R rates in each resample of the scans that has a nodule.

    Args:
        hits: Hits of one detector.
        rates: False positives per scan, shape (R,).
        bootstraps: Resamples.
        seed: Seed of the resamples; equal scans and seeds give equal resamples for any marks.

    Returns:
        An array of shape (B, R); None if there is nothing to resample.
    """
    num_scans = len(hits.num_nodules)
    if not can_resample(num_scans, bootstraps) or not hits.num_nodules.any():
        return None
    best, everything = _best_marks(hits, float(rates.max())), np.ones(len(hits.scores), np.bool_)
    subsets = [everything] if best.all() else [best, everything]
    rankings = [(hits.scans[rows], ranking(hits.scores[rows], hits.is_nodule[rows])) for rows in subsets]
    scan_counts, samples = _scan_counts(hits), []
    for counts in resamples(num_scans, bootstraps, num_cases=len(hits.scores), seed=seed):
        for weights in counts[counts @ hits.num_nodules > 0]:
            for scans, mark_ranking in rankings:
                points = _curve_points(mark_ranking.counts(weights[scans]), scan_counts @ weights)
                if points[0][-1] > rates.max():
                    break
            samples.append(np.interp(rates, *points))
    return np.array(samples) if samples else None


def _best_marks(hits: Hits, rate: float) -> NDArray[np.bool_]:
    """The marks needed up to a false-positive rate in most resamples, shape (N,); fewer marks are faster."""
    false_positive_scores = np.sort(hits.scores[~hits.is_nodule])[::-1]
    num_false_positives = math.ceil(_SPARE * rate * len(hits.num_nodules))
    if num_false_positives >= len(false_positive_scores):
        return np.ones(len(hits.scores), np.bool_)
    is_best: NDArray[np.bool_] = hits.scores >= false_positive_scores[num_false_positives]
    return is_best


def _percentile_band(samples: Floats) -> Floats:
    """The central 95% of each column as in the official evaluation, shape (columns, 2)."""
    sorted_samples: Floats = np.sort(samples, axis=0)
    low, high = (sorted_samples[math.floor(share * len(samples))] for share in (0.025, 0.975))
    ends: Floats = np.stack([low, high], axis=1)
    return ends
