"""FROC: sensitivity against false positives per scan, and CPM, as LUNA16's evaluation computes them.

Reference: Setio et al. 2017, doi:10.1016/j.media.2017.06.015; CPM: Niemeijer et al. 2011, doi:10.1109/TMI.2010.2072789.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.froc.hits import Hits, Marks, Reference, hits_of
from archnet.evaluation.intervals import Interval, resamples
from archnet.evaluation.ranking import Floats, ranking

RATES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which the sensitivities are read."""

_STEPS = 32  # of the band in each doubling of the rate, so that the seven rates are among the band's
BAND_RATES: Final[Floats] = 2.0 ** np.linspace(-3, 3, 6 * _STEPS + 1)
"""False positives per scan at which the band is computed, shape (R,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A FROC curve: a point for each distinct score, without those on the line between their neighbours.

    Attributes:
        false_positives_per_scan: Rising from 0, shape (P,).
        sensitivity: Rising from 0, shape (P,); NaN where there is no nodule.
        thresholds: A mark counts from this score on, falling from infinity, shape (P,).
    """

    false_positives_per_scan: Floats
    sensitivity: Floats
    thresholds: Floats

    def sensitivity_at(self, rates: Floats) -> Floats:
        """Sensitivity at rates of false positives per scan, between the points on a line, beyond the last one flat."""
        return np.interp(rates, self.false_positives_per_scan, self.sensitivity)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Froc:
    """What a FROC analysis gives.

    Attributes:
        curve: Of all scans.
        hits: What it was drawn from.
        sensitivities: At `RATES`, shape (7,); NaN where there is no nodule.
        band: 95% interval of the sensitivity at `BAND_RATES`, shape (R, 2); None without bootstraps.
        cpm_interval: 95% interval of the CPM; None without bootstraps.
    """

    curve: Curve
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

    def as_json(self) -> dict[str, Any]:
        """The results, JSON-ready; a number that is undefined is None."""
        hits = self.hits
        return {
            "cpm": _number(self.cpm),
            "false_positives_per_scan": list(RATES),
            "sensitivities": list(map(_number, self.sensitivities)),
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


def froc_of(
    marks: Marks, reference: Reference, *, max_marks: int | None = None, bootstraps: int = 1000, seed: int = 0
) -> Froc:
    """The FROC analysis of a detector's marks.

    The intervals come from resamples of the listed scans, as many as there are, with replacement; a scan without
    marks and nodules is drawn like any other and counts as a scan. A resample without nodules is left out.

    Args:
        marks: A network's say on candidates, or a submission.
        reference: The scans that count, their nodules and excluded findings.
        max_marks: Marks of a scan that count at most, the best; see `hits_of`.
        bootstraps: Resamples behind the intervals; 0 leaves them out.
        seed: Of the resamples.
    """
    hits = hits_of(marks, reference, max_marks)
    curve = curve_of(hits)
    samples = _bootstrapped(hits, bootstraps, seed)
    return Froc(
        curve=curve,
        hits=hits,
        sensitivities=curve.sensitivity_at(np.array(RATES)),
        band=None if samples is None else _middle(samples),
        cpm_interval=None if samples is None else _middle(samples[:, ::_STEPS].mean(axis=1, keepdims=True))[0].tolist(),
    )


def curve_of(hits: Hits) -> Curve:
    """The FROC curve of what was found."""
    ranked = ranking(hits.scores, hits.is_nodule)
    found, false = ranked.counts(np.ones(len(hits.scores)))
    corners = np.flatnonzero(_is_corner(found, false))
    rates, sensitivity = _points(found, false, np.ones(len(hits.num_nodules)), hits)
    places = np.append(0, corners + 1)
    return Curve(
        false_positives_per_scan=rates[places],
        sensitivity=sensitivity[places],
        thresholds=np.append(np.inf, ranked.thresholds[corners]),
    )


def _is_corner(found: Floats, false: Floats) -> NDArray[np.bool_]:
    """Whether the curve begins, bends or ends at each count; the origin is no count."""
    bends = (np.diff(found, 2) != 0) | (np.diff(false, 2) != 0)
    return np.concatenate([[True], bends, [True]])[: len(found)]


def _points(found: Floats, false: Floats, weights: Floats, hits: Hits) -> tuple[Floats, Floats]:
    """False positives per scan and sensitivity, the origin first, of a resample in which each scan has a weight."""
    return _per(false, float(weights.sum())), _per(found, float(hits.num_nodules @ weights))


def _per(counts: Floats, total: float) -> Floats:
    """Counts and the 0 before them over a total, by way of their share of the last one.

    The official evaluation divides so, and its rounding decides on which side of a rate a point falls that lies on it.
    """
    counts = np.append(0.0, counts)
    if counts[-1] == 0:
        return counts if total else counts + np.nan
    quotients: Floats = counts / counts[-1] * counts[-1] / total
    return quotients


def _bootstrapped(hits: Hits, bootstraps: int, seed: int) -> Floats | None:
    """Sensitivity at `BAND_RATES` in each resample that has a nodule, (B, R); None where there is nothing to draw."""
    num_scans = len(hits.num_nodules)
    if bootstraps == 0 or num_scans < 2 or not hits.num_nodules.any():
        return None
    ranked = ranking(hits.scores, hits.is_nodule)
    samples = []
    for counts in resamples(num_scans, bootstraps, num_cases=len(hits.scores), seed=seed):
        for weights in counts[counts @ hits.num_nodules > 0]:
            points = _points(*ranked.counts(weights[hits.scans]), weights, hits)
            samples.append(np.interp(BAND_RATES, *points))
    return np.array(samples) if samples else None


def _middle(samples: Floats) -> Floats:
    """The middle 95% of each column as the official evaluation takes it, shape (columns, 2)."""
    ordered: Floats = np.sort(samples, axis=0)
    low, high = (ordered[math.floor(share * len(samples))] for share in (0.025, 0.975))
    ends: Floats = np.stack([low, high], axis=1)
    return ends


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
