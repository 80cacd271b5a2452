"""Metrics after an epoch are those that `evaluate` gives for the same cases, and scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics as sk

from archnet.evaluation.confusion import confusion_matrix
from archnet.evaluation.epoch_metrics import macro_mean, matrix_values, named_metrics, ranking_values
from archnet.evaluation.metric_entry import class_estimate, macro_estimate
from archnet.evaluation.metrics import evaluate
from archnet.spec.metrics import EVALUATED_METRICS, METRICS
from synthetic_runs import synthetic_predictions

THREE = ("CT-0", "CT-1", "CT-23")


def epoch_metrics(part, positive=1):
    matrix = confusion_matrix(part.y_true, part.probabilities.argmax(axis=1), len(part.classes))
    values = matrix_values(matrix, positive) | ranking_values(part.probabilities, part.y_true, positive)
    return named_metrics({name: values[name] for name in EVALUATED_METRICS}, part.classes)


def test_of_two_classes_they_are_the_positive_classs_and_have_the_names_of_the_metrics():
    part = synthetic_predictions(seed=3).select("train")
    entry = evaluate(part, positive=1, bootstraps=0)["train"]
    assert epoch_metrics(part) == {name: entry[name] for name in EVALUATED_METRICS}


def test_of_three_classes_they_are_the_macro_means_with_each_class_next_to_them():
    part = synthetic_predictions(THREE, seed=3).select("train")
    entry = evaluate(part, positive=1, bootstraps=0)["train"]
    expected = {}
    for name in EVALUATED_METRICS:
        expected[METRICS[name].macro_name] = macro_estimate(entry, name).value
        if METRICS[name].is_per_class:
            expected |= {f"{name}.{label}": class_estimate(entry, name, label).value for label in THREE}
    found = epoch_metrics(part)
    assert found == expected
    assert list(found)[:6] == [
        "accuracy",
        "macro_recall",
        "recall.CT-0",
        "recall.CT-1",
        "recall.CT-23",
        "macro_precision",
    ]
    assert found["macro_auc"] == pytest.approx(sk.roc_auc_score(part.y_true, part.probabilities, multi_class="ovr"))


def test_the_positive_class_does_not_matter_with_three_classes():
    part = synthetic_predictions(THREE, seed=3).select("train")
    assert epoch_metrics(part, positive=0) == epoch_metrics(part, positive=2)


def test_a_class_without_cases_stays_out_of_the_macro_mean():
    matrix = np.array([[3, 1, 0], [2, 2, 0], [0, 0, 0]])
    named = named_metrics({"recall": matrix_values(matrix, 0)["recall"]}, THREE)
    assert named == pytest.approx(
        {"macro_recall": 0.625, "recall.CT-0": 0.75, "recall.CT-1": 0.5, "recall.CT-23": np.nan}, nan_ok=True
    )


def test_a_macro_mean_of_no_defined_number_is_undefined():
    assert np.isnan(macro_mean(np.array([np.nan, np.nan, np.nan])))
