"""Pointwise 95% confidence bands of ROC and precision-recall curves, from a bootstrap over groups.

For several seeds, the curve is their mean, and the seeds are also drawn with replacement (the pigeonhole bootstrap,
Owen 2007, doi:10.1214/07-AOAS122).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.ranking import Ranking, ranking
from archnet.evaluation.uncertainty.intervals import can_resample, resamples, t_quantile
from archnet.evaluation.uncertainty.ratio import Floats

BAND_GRID: Final[Floats] = np.linspace(0, 1, 101)
"""False-positive rates, or recalls, at which the bands are computed, shape (G,)."""

_BOOTSTRAPS: Final = 500
_FEWEST_BOOTSTRAPS: Final = 200
_MAX_WEIGHTS: Final = 60_000_000  # total number of resampled cases, which takes a few seconds
_ROUNDING: Final = 1e-12  # tolerance of a recall of the grid that is a quotient of two counts

Band = tuple[Floats, Floats, Floats]
"""`BAND_GRID` with the lower and the upper bound, each of shape (G,)."""

Reader = Callable[[Floats, Floats], Floats]
"""Reads a curve at `BAND_GRID`, from true and false positives at each threshold, shape (S,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankedCases:
    """The cases of a curve.

    Attributes:
        scores_by_seed: Probability of the class by each seed's network, each of shape (N,).
        is_positive: Whether each case is of the class, shape (N,).
        groups: The group of each case, shape (N,).
    """

    scores_by_seed: Sequence[Floats]
    is_positive: NDArray[np.bool_]
    groups: NDArray[np.str_]


def curve_bands(cases: RankedCases, *, bootstraps: int = _BOOTSTRAPS, seed: int = 0) -> tuple[Band, Band] | None:
    """Compute the bands of the recall at each false-positive rate and of the precision at each recall.

    The percentiles are those of the expanded percentile interval (Hesterberg 2015, doi:10.1080/00031305.2015.1089789):
    like Student's t, they widen the interval for small numbers of groups.

    Args:
        cases: Cases of both kinds.
        bootstraps: Resamples; fewer are drawn from very many cases.
        seed: Seed of the resamples.

    Returns:
        None if there is a single group.
    """
    names, group_of = np.unique(cases.groups, return_inverse=True)
    num_weights = len(group_of) * len(cases.scores_by_seed)
    bootstraps = min(bootstraps, max(_FEWEST_BOOTSTRAPS, _MAX_WEIGHTS // num_weights))
    if not can_resample(len(names), bootstraps):
        return None
    rankings = [ranking(scores, cases.is_positive) for scores in cases.scores_by_seed]
    samples = _sampled_curves(rankings, group_of, len(names), bootstraps, seed)
    level = 100 * NormalDist().cdf(-t_quantile(len(names) - 1) * math.sqrt(len(names) / (len(names) - 1)))
    roc, precision_recall = (_band(np.array(curves), level) for curves in zip(*samples, strict=True))
    return roc, precision_recall


def _sampled_curves(
    rankings: Sequence[Ranking], group_of: NDArray[np.int64], num_groups: int, bootstraps: int, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """Both curves at `BAND_GRID` in each resample, averaged over the resampled seeds."""
    num_seeds = len(rankings)
    rng = np.random.default_rng(seed + 1)
    draws = resamples(num_groups, bootstraps, num_cases=len(group_of) * num_seeds, seed=seed)
    for counts in (row for chunk in draws for row in chunk):
        drawn = rng.integers(num_seeds, size=num_seeds)
        curves = [rankings[k].counts(counts[group_of]) for k in drawn]
        yield _mean_curve(_recall_at, curves), _mean_curve(_precision_at, curves)


def _mean_curve(read: Reader, curves: Sequence[tuple[Floats, Floats]]) -> Floats:
    mean: Floats = np.mean([read(*curve) for curve in curves], axis=0)
    return mean


def _recall_at(true_positives: Floats, false_positives: Floats) -> Floats:
    """The recall at each rate; NaN in a resample without positive or without negative cases."""
    if not (true_positives[-1] and false_positives[-1]):
        return np.full(len(BAND_GRID), np.nan)
    rates, recalls = false_positives / false_positives[-1], true_positives / true_positives[-1]
    curve: Floats = np.interp(BAND_GRID, np.append(0.0, rates), np.append(0.0, recalls))
    return curve


def _precision_at(true_positives: Floats, false_positives: Floats) -> Floats:
    """The precision of the first threshold with at least each recall; NaN in a resample that lacks the class."""
    if not true_positives[-1]:
        return np.full(len(BAND_GRID), np.nan)
    recalls = true_positives / true_positives[-1]
    first = np.searchsorted(recalls, BAND_GRID - _ROUNDING, side="left")
    first = np.maximum(first, np.searchsorted(recalls, 0, side="right"))
    precision: Floats = true_positives[first] / (true_positives[first] + false_positives[first])
    return precision


def _band(samples: Floats, level: float) -> Band:
    """The band of curves of shape (B, G), between the percentiles `level` and 100 - `level`."""
    defined = samples[~np.isnan(samples).any(axis=1)]
    if not len(defined):
        nothing = np.full(len(BAND_GRID), np.nan)
        return BAND_GRID, nothing, nothing
    low, high = np.percentile(defined, [level, 100 - level], axis=0)
    return BAND_GRID, low, high
