"""The metrics of the validation set after an epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.confusion import class_metrics, confusion_matrix
from archnet.evaluation.ranking import RANKING_FORMULAS, ranking
from archnet.spec.experiment import Training
from archnet.spec.metrics import SELECTABLE_METRICS


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
    counts = ranking(probabilities[:, positive], labels == positive).counts(np.ones(len(labels)))
    values = {"loss": float(np.mean(-focus * np.log(true_probabilities)))} | class_metrics(matrix, positive)
    values |= {name: float(formula(*counts)) for name, formula in RANKING_FORMULAS.items()}
    return {name: values[name] for name in SELECTABLE_METRICS}
