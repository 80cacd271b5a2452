"""Optimism of a choice: how far the best of several noisy values is above its own true value, on average.

The best of many estimates on the same cases was helped by chance (Cawley and Talbot 2010, JMLR 11, 2079). How much
depends on how many candidates are nearly as good. It is measured by perturbing the values and choosing again, as Ye
1998 (doi:10.1080/01621459.1998.10474094) does: chance that a perturbation adds to the chosen value is chance that the
cases had added to it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats

_SIZE = 0.5  # of a perturbation, relative to the noise of the values; Ye recommends 0.5 to 0.6


def group_halves(num_groups: int, num_splits: int, seed: int) -> NDArray[np.int64]:
    """Random splits of groups into two halves; one of an odd number is in neither.

    Args:
        num_groups: Two or more.
        num_splits: Number of splits.
        seed: Equal seeds give equal splits.

    Returns:
        0 for the groups of the first half, 1 for those of the second, 2 for one in neither, shape
        (num_splits, num_groups).
    """
    half = num_groups // 2
    sides = np.repeat([0, 1, 2], [half, half, num_groups - 2 * half])
    return np.random.default_rng(seed).permuted(np.tile(sides, (num_splits, 1)), axis=1)


def selection_optimism(values: Floats, first: Floats, second: Floats) -> float | None:
    """The expected optimism of the largest value.

    Half the difference between two halves of the cases has the noise of the value of all cases. A perturbation of `c`
    times the noise chooses among values of (1 + c²) times the variance, so that what it adds is scaled by the root of
    that: exact where all candidates are equally good, at most 12% too large where they differ by more than the noise.

    Args:
        values: Values of the T candidates, on all cases; the larger, the better.
        first: On the first half of each of S splits of the cases, shape (S, T).
        second: On the second half, shape (S, T).

    Returns:
        None where fewer than two candidates or splits are defined on both halves.
    """
    noise = (first - second) / 2
    noise = noise[np.isfinite(noise).all(axis=1)]
    if len(values) < 2 or len(noise) < 2 or not np.isfinite(values).all():
        return None
    noise = np.concatenate([noise, -noise])
    chosen = np.argmax(values + _SIZE * noise, axis=1)
    added = float(noise[np.arange(len(noise)), chosen].mean())
    return max(0.0, added * math.sqrt(1 + _SIZE**2) / _SIZE)
