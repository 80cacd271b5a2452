"""Collapsed runs: networks whose predictions do not depend on the case, or whose training loss grew without bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from archnet.evaluation.predictions import Predictions
from archnet.spec.experiment import SETS

_SAME_PROBABILITY: Final = 1e-6
"""Probabilities that are closer differ by rounding in float32."""

_GROWTH: Final = 10
"""A training loss so many times above its first value, and above the loss of guessing, has grown without bound."""


def collapse_entry(
    predictions: Predictions, metrics: Mapping[str, Any], history: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """How a run has collapsed, as `metrics.json` holds it; empty for a run that has not.

    Args:
        predictions: All sets' cases together.
        metrics: The run's, which name the positive class and the threshold.
        history: The columns of history.csv; empty for a run without a network.

    Returns:
        {"collapsed": ...} with `reason` "diverged", "constant" or "one_class"; `losses`, the first and last training
        loss, of the first; `class`, the predicted class, of the others.
    """
    losses = list(history.get("train_loss", ()))
    if losses and _has_diverged(losses, len(predictions.classes)):
        ends = [loss if math.isfinite(loss) else None for loss in (losses[0], losses[-1])]
        return {"collapsed": {"reason": "diverged", "losses": ends}}
    if len(np.unique(predictions.y_true)) < 2:
        return {}
    positive = predictions.classes.index(metrics["positive"])
    thresholds = [metrics[name]["threshold"] for name in SETS if name in metrics]
    predicted = np.unique(predictions.predicted_classes(positive=positive, threshold=next(iter(thresholds), None)))
    if len(predicted) > 1:
        return {}
    is_constant = np.ptp(predictions.probabilities, axis=0).max() < _SAME_PROBABILITY
    name = predictions.classes[int(predicted[0])]
    return {"collapsed": {"reason": "constant" if is_constant else "one_class", "class": name}}


def _has_diverged(losses: Sequence[float], num_classes: int) -> bool:
    """Whether the last loss is no number, or far above the first one and the loss of guessing."""
    return not losses[-1] <= _GROWTH * max(losses[0], math.log(num_classes))
