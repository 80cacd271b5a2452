"""Collapsed runs: networks whose predictions do not depend on the case, or whose training loss grew without bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SAME_PROBABILITY: Final = 1e-6
"""Smaller differences between probabilities are float32 rounding errors."""

_GROWTH: Final = 10
"""A training diverges if its loss exceeds this multiple of its first value and of the loss of guessing."""


def find_collapse(
    classes: Sequence[str],
    y_true: NDArray[np.int64],
    y_pred: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    train_losses: Sequence[Sequence[float]],
) -> dict[str, Any] | None:
    """Find out whether and how a run has collapsed, for `metrics.json`; None for a run that has not.

    Args:
        classes: The K class names.
        y_true: (N,) classes of the cases of all sets.
        y_pred: (N,) their predicted classes.
        probabilities: (N, K).
        train_losses: For each network of the run, its training loss of each epoch; empty for a run without a network.

    Returns:
        A dictionary with `reason` "diverged", "constant" or "one_class". "diverged" comes with `losses`, the first and
        the last training loss; the others with `class`, the predicted class.
    """
    diverged = next((losses for losses in train_losses if losses and _has_diverged(losses, len(classes))), None)
    if diverged is not None:
        ends = [loss if math.isfinite(loss) else None for loss in (diverged[0], diverged[-1])]
        return {"reason": "diverged", "losses": ends}
    predicted = np.unique(y_pred)
    if len(np.unique(y_true)) < 2 or len(predicted) > 1:
        return None
    is_constant = np.ptp(probabilities, axis=0).max() < _SAME_PROBABILITY
    return {"reason": "constant" if is_constant else "one_class", "class": classes[int(predicted[0])]}


def _has_diverged(losses: Sequence[float], num_classes: int) -> bool:
    """Whether the last loss is NaN, or far above the first one and the loss of guessing."""
    return not losses[-1] <= _GROWTH * max(losses[0], math.log(num_classes))
