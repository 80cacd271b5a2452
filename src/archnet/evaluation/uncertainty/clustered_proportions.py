"""Proportions of clustered cases, with their covariance: linearized ratios, summed over each group.

Cochran 1977, Sampling Techniques, section 11.7; Cameron and Miller 2015, doi:10.3368/jhr.50.2.317. With groups of
equal size the t test of a difference is that of the groups' means.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.seed_variance import Estimates


def estimate_proportions(parts: NDArray[np.bool_], wholes: NDArray[np.bool_], groups: NDArray[np.int64]) -> Estimates:
    """Compute the proportions of M trainings on the same cases, and their covariance over groups.

    Args:
        parts: Whether each case counts in the numerator, shape (N, M), or (N, M, C) for the mean of C proportions.
        wholes: Whether it counts in the denominator, of the same shape.
        groups: Index of each case's group, shape (N,).

    Returns:
        The proportion of each training, or the mean of its defined proportions. The number of groups is that with cases
        in the denominator, the smallest of several proportions.
    """
    num_groups = int(groups.max()) + 1 if len(groups) else 0
    part, whole = (_as_columns(values) for values in (parts, wholes))
    totals = np.where(whole.any(axis=0), whole.sum(axis=0), np.nan)
    shares = part.sum(axis=0) / totals
    is_defined = np.isfinite(shares)
    num_defined = np.where(is_defined.any(axis=1), is_defined.sum(axis=1), np.nan)
    by_case = np.nansum((part - whole * shares) / totals, axis=2) / num_defined
    sums = np.zeros((num_groups, by_case.shape[1]))
    np.add.at(sums, groups, by_case)
    counted = _count_groups(whole, groups, num_groups)
    scale = counted / (counted - 1) if counted > 1 else np.nan
    return Estimates(
        values=np.nansum(shares, axis=1) / num_defined, covariance=scale * sums.T @ sums, num_groups=counted
    )


def _as_columns(values: NDArray[np.bool_]) -> Floats:
    columns: Floats = np.asarray(values, np.float64)
    return columns[..., None] if columns.ndim == 2 else columns


def _count_groups(whole: Floats, groups: NDArray[np.int64], num_groups: int) -> int:
    """Number of groups with cases in the denominator of any training; the smallest over the defined proportions."""
    has_cases: NDArray[np.bool_] = np.any(whole, axis=1)
    counts = [len(np.unique(groups[column])) for column in has_cases.T if column.any()]
    return min(counts, default=num_groups)
