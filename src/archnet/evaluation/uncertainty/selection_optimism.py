"""Selection bias: the expected excess of the best of several noisy values over its true value.

The best of many estimates on the same cases is biased upwards by chance (Cawley and Talbot 2010, JMLR 11, 2079), the
more so the more candidates are nearly as good. The bias is estimated by perturbing the values and choosing again, as in
Ye 1998 (doi:10.1080/01621459.1998.10474094): the gain of the chosen value from a perturbation estimates its gain from
the random choice of cases.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.uncertainty.ratio import Floats

_SIZE = 0.5  # size of a perturbation, relative to the noise of the values; Ye recommends 0.5 to 0.6


def group_halves(num_groups: int, num_splits: int, seed: int) -> NDArray[np.int64]:
    """Split groups into two random halves; of an odd number, one is in neither.

    Args:
        num_groups: Two or more.
        num_splits: Number of splits.
        seed: Equal seeds give equal splits.

    Returns:
        0 for groups of the first half, 1 for those of the second, 2 for a group in neither, shape (num_splits,
        num_groups).
    """
    half = num_groups // 2
    sides = np.repeat([0, 1, 2], [half, half, num_groups - 2 * half])
    return np.random.default_rng(seed).permuted(np.tile(sides, (num_splits, 1)), axis=1)


def selection_optimism(values: Floats, first: Floats, second: Floats) -> float | None:
    """Estimate the expected optimism of the largest value.

    Half the difference between two halves of the cases has the same noise as the value on all cases. A perturbation of
    `c` times the noise chooses among values of (1 + c²) times the variance, so the gain is scaled by the root of that
    factor. This is exact if all candidates are equally good, and at most 12% too large if they differ by more than the
    noise.

    Args:
        values: Values of the T candidates, on all cases; the larger, the better.
        first: Values on the first half of each of S splits of the cases, shape (S, T).
        second: Values on the second half, shape (S, T).

    Returns:
        None if fewer than two candidates or splits are defined on both halves.
    """
    noise = (first - second) / 2
    noise = noise[np.isfinite(noise).all(axis=1)]
    if len(values) < 2 or len(noise) < 2 or not np.isfinite(values).all():
        return None
    noise = np.concatenate([noise, -noise])
    chosen = np.argmax(values + _SIZE * noise, axis=1)
    added = float(noise[np.arange(len(noise)), chosen].mean())
    return max(0.0, added * math.sqrt(1 + _SIZE**2) / _SIZE)
