"""The metrics of the validation set after an epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import confusion_matrix, matrix_metrics
from archnet.evaluation.ranking import average_precision, ranking, roc_auc
from archnet.spec.experiment import Training


def validation_metrics(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], positive: int, training: Training
) -> dict[str, float]:
    """The loss without smoothing, weights and penalty, and the metrics that may choose the best weights.

    Args:
        probabilities: (N, classes).
        labels: (N,) index of the class.
        positive: Class whose recall and ranking count.
        training: Its `loss` and `focal_gamma`.
    """
    true_probabilities = np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, 1)
    focus = (1 - true_probabilities) ** training.focal_gamma if training.loss == "focal" else 1.0
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), probabilities.shape[1])
    metrics = matrix_metrics(matrix)
    counts = ranking(probabilities[:, positive], labels == positive).counts(np.ones(len(labels)))
    return {
        "loss": float(np.mean(-focus * np.log(true_probabilities))),
        "accuracy": float(metrics["accuracy"]),
        "recall": float(metrics["recall"][positive]),
        "mcc": float(metrics["mcc"]),
        "auc": float(roc_auc(*counts)),
        "average_precision": float(average_precision(*counts)),
    }
