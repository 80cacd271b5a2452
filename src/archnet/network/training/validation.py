"""The metrics of the validation set after an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import confusion_matrix
from archnet.evaluation.epoch_metrics import matrix_values, named_metrics, ranking_values
from archnet.network.examples import Examples
from archnet.spec.experiment import Training
from archnet.spec.metrics import SELECTABLE_METRICS


def validation_metrics(
    probabilities: NDArray[np.float64],
    validation: Examples,
    positive: int,
    training: Training,
    classes: Sequence[str] = (),
) -> dict[str, float]:
    """Compute the validation loss, and the metrics of the hard labels that can select the best weights.

    Args:
        probabilities: (N, K).
        validation: The N cases.
        positive: With two classes, the class whose recall and ranking metrics are used; with more, macro
            means are used.
        training: Its `loss` and `focal_gamma` are used.
        classes: Names of more than two classes; without them, the values of each class are omitted.
    """
    labels = validation.labels
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    values = matrix_values(matrix, positive) | ranking_values(probabilities, labels, positive)
    values["loss"] = np.asarray(validation_loss(probabilities, validation, training))
    return named_metrics({name: values[name] for name in SELECTABLE_METRICS}, classes)


def validation_loss(probabilities: NDArray[np.float64], validation: Examples, training: Training) -> float:
    """Mean loss over cases, weighted by case weights, without label smoothing, class balancing and penalty.

    Args:
        probabilities: (N, K).
        validation: The N cases, with or without soft labels and weights.
        training: Its `loss` and `focal_gamma` are used.
    """
    if validation.soft is None:
        rows = np.arange(len(validation))
        losses = _log_losses(probabilities[rows, validation.labels], training)
    else:
        losses = (validation.soft * _log_losses(probabilities, training)).sum(axis=1)
    return float(np.mean(losses) if validation.weights is None else np.average(losses, weights=validation.weights))


def _log_losses(probabilities: NDArray[np.float64], training: Training) -> NDArray[np.float64]:
    """Loss of each class if it is the true one, from its probability."""
    clipped = np.clip(probabilities, 1e-12, 1)
    focus = (1 - clipped) ** training.focal_gamma if training.loss == "focal" else 1.0
    return -focus * np.log(clipped)
