"""Check that the metrics for model selection, early stopping or ranking of trials are defined on the validation set."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases
from archnet.errors import RunError, pluralize
from archnet.evaluation.confusion import confusion_matrix
from archnet.evaluation.epoch_metrics import matrix_values, ranking_values
from archnet.evaluation.metric_values import macro_mean
from archnet.spec.experiment import Training


def selection_metrics(training: Training) -> dict[str, str]:
    """The metrics that a training monitors after each epoch, by their keys."""
    metrics = {"training.best_metric": training.best_metric} if training.best_metric else {}
    stopping = training.early_stopping
    return metrics | ({"training.early_stopping.metric": stopping.metric} if stopping else {})


def check_selection_metrics(metrics: Mapping[str, str], cases: Cases, sets: NDArray[np.str_]) -> None:
    """Check that metrics are defined on the validation set, if there is one.

    Args:
        metrics: Names of metrics by their keys.
        cases: The cases.
        sets: The set of each case.

    Raises:
        RunError: A metric is undefined, because the validation set lacks a class.
    """
    labels = cases.labels[sets == "validation"]
    undefined = _undefined_metrics(labels, cases) if labels.size else set()
    for key, metric in metrics.items():
        if metric in undefined:
            present = " or ".join(f'"{cases.classes[label]}"' for label in np.unique(labels))
            raise RunError(
                f"{key}: {metric} is undefined on the validation set: {pluralize(len(labels), 'case')}, all of class "
                f'{present}. Use "loss", or a validation set with every class.'
            )


def _undefined_metrics(labels: NDArray[np.int64], cases: Cases) -> set[str]:
    """The metrics that are undefined even if every case is classified correctly."""
    num_classes = len(cases.classes)
    values = matrix_values(confusion_matrix(labels, labels, num_classes), cases.positive)
    values |= ranking_values(np.eye(num_classes)[labels], labels, cases.positive)
    return {name for name, value in values.items() if isnan(macro_mean(np.atleast_1d(value)))}
