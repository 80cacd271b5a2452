"""Paired tests of two architectures on the same cases: McNemar's on errors, DeLong's on the area under the ROC curve.

Both take cases for independent draws. Cases that share a patient are not, so that with many cases in a group the
bootstrap over groups (`paired`) has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.ranking import Floats
from archnet.evaluation.uncertainty.clustered_auc import mean_placements
from archnet.evaluation.uncertainty.intervals import NORMAL_QUANTILE


def mcnemar(reference_right: NDArray[np.bool_], other_right: NDArray[np.bool_]) -> dict[str, Any]:
    """McNemar's test on the cases that only one of two networks classifies correctly, exact (binomial) and two-sided.

    McNemar 1947, doi:10.1007/BF02295996.

    Returns:
        `only_reference_right` and `only_other_right`, counts, and `p`: 1 where the networks err on the same cases.

    >>> mcnemar(np.array([True] * 5 + [False]), np.array([False] * 5 + [True]))
    {'only_reference_right': 5, 'only_other_right': 1, 'p': 0.21875}
    """
    only_reference = int(np.sum(reference_right & ~other_right))
    only_other = int(np.sum(other_right & ~reference_right))
    p = _sign_test(min(only_reference, only_other), only_reference + only_other)
    return {"only_reference_right": only_reference, "only_other_right": only_other, "p": p}


def _sign_test(fewer: int, trials: int) -> float:
    """The two-sided probability that fair coins fall at least as unevenly."""
    term = total = 1  # whole numbers, so that nothing is rounded before the end
    for k in range(fewer):
        term = term * (trials - k) // (k + 1)
        total += term
    p: float = 2 * total / 2**trials
    return min(1.0, p)


def delong(
    reference: Sequence[Floats], other: Sequence[Floats], is_positive: NDArray[np.bool_]
) -> dict[str, Any] | None:
    """DeLong's test for the difference of two correlated areas under the ROC curve.

    DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595, computed from ranks as Sun and Xu 2014
    (doi:10.1109/LSP.2014.2337313) do. With several trainings of an architecture its area is the mean of theirs, and
    the test is that of the article's linear contrast.

    Args:
        reference: Scores of the cases, shape (N,), one array for each training.
        other: The same of the other architecture.
        is_positive: Shape (N,).

    Returns:
        `difference` (other minus reference) with its 95% `interval`, `z` and the two-sided `p`; the last two are None
        where the difference has no spread. None with fewer than two positive or two other cases.
    """
    if min(is_positive.sum(), (~is_positive).sum()) < 2:
        return None
    first, second = (mean_placements(scores, is_positive) for scores in (reference, other))
    positive_differences, other_differences = second[0] - first[0], second[1] - first[1]
    difference = float(positive_differences.mean())
    variance = positive_differences.var(ddof=1) / len(positive_differences) + other_differences.var(ddof=1) / len(
        other_differences
    )
    spread = math.sqrt(variance)
    z = difference / spread if spread else None
    return {
        "difference": difference,
        "interval": [difference - NORMAL_QUANTILE * spread, difference + NORMAL_QUANTILE * spread],
        "z": z,
        "p": None if z is None else math.erfc(abs(z) / math.sqrt(2)),
    }
