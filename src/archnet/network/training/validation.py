"""The metrics of the validation set after an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import confusion_matrix
from archnet.evaluation.epoch_metrics import matrix_values, named_metrics, ranking_values
from archnet.spec.experiment import Training
from archnet.spec.metrics import SELECTABLE_METRICS


def validation_metrics(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    positive: int,
    training: Training,
    classes: Sequence[str] = (),
) -> dict[str, float]:
    """The loss without smoothing, weights and penalty, and the metrics that may choose the best weights.

    Args:
        probabilities: (N, K).
        labels: (N,) index of the class.
        positive: With two classes, the one whose recall and ranking count; with more, their macro means count.
        training: Its `loss` and `focal_gamma`.
        classes: Names of more than two classes; without them the numbers of each class are left out.
    """
    true_probabilities = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
    focus = (1 - true_probabilities) ** training.focal_gamma if training.loss == "focal" else 1.0
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    values = matrix_values(matrix, positive) | ranking_values(probabilities, labels, positive)
    values["loss"] = np.asarray(np.mean(-focus * np.log(true_probabilities)))
    return named_metrics({name: values[name] for name in SELECTABLE_METRICS}, classes)
