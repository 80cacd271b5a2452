"""Every metric of the table meets the same demands: scikit-learn agrees, and its values lie where the table says."""

import numpy as np
import pytest

from archnet.evaluation.confusion import confusion_matrix, matrix_metrics
from archnet.evaluation.metric_entry import class_estimate, macro_estimate
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.uncertainty.intervals import wilson_interval
from archnet.spec.metrics import EVALUATED_METRICS, MATRIX_METRICS, METRICS
from metric_oracles import ORACLES
from synthetic_runs import predictions_of, synthetic_predictions

THREE = ("CT-0", "CT-1", "CT-23")


def test_every_metric_has_an_oracle():
    assert list(ORACLES) == list(EVALUATED_METRICS)


@pytest.mark.parametrize("name", EVALUATED_METRICS)
@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_a_metric_of_two_classes_is_scikit_learns(name, threshold):
    part = synthetic_predictions(seed=11).select("train")
    scores, truth = part.probabilities[:, 1], part.y_true == 1
    entry = evaluate(part, positive=1, threshold=threshold, bootstraps=0)["train"]
    assert entry[name] == pytest.approx(ORACLES[name](truth, scores >= threshold, scores), abs=1e-12)


@pytest.mark.parametrize("name", [name for name in EVALUATED_METRICS if METRICS[name].is_per_class])
def test_a_metric_of_one_of_several_classes_is_scikit_learns_against_the_rest(name):
    part = synthetic_predictions(THREE, seed=12).select("train")
    predicted = part.probabilities.argmax(axis=1)
    values = [ORACLES[name](part.y_true == k, predicted == k, part.probabilities[:, k]) for k in range(3)]
    entry = evaluate(part, positive=1, bootstraps=0)["train"]
    assert [class_estimate(entry, name, label).value for label in THREE] == pytest.approx(values, abs=1e-12)
    assert macro_estimate(entry, name).value == pytest.approx(np.mean(values), abs=1e-12)


@pytest.mark.parametrize("name", MATRIX_METRICS)
def test_a_metric_of_matrices_has_the_shape_and_the_range_that_the_table_says(name):
    rng = np.random.default_rng(0)
    matrices = rng.integers(0, 5, size=(50, 3, 3))
    values = matrix_metrics(matrices)[name]
    assert values.shape == ((50, 3) if METRICS[name].is_per_class else (50,))
    low, high = METRICS[name].range
    assert np.all(np.isnan(values) | ((values >= low) & (values <= high)))
    assert matrix_metrics(matrices[0])[name] == pytest.approx(values[0], nan_ok=True)


@pytest.mark.parametrize("name", EVALUATED_METRICS)
def test_a_metric_has_wilsons_interval_if_and_only_if_it_is_a_proportion(name):
    y_true = np.array([0, 0, 0, 1, 1, 1])
    p = np.array([0.1, 0.8, 0.3, 0.9, 0.4, 0.7])
    entry = evaluate(predictions_of(y_true, np.column_stack([1 - p, p])), positive=1, bootstraps=50)["test"]
    shares = {"accuracy": (4, 6), "recall": (2, 3), "precision": (2, 3), "specificity": (2, 3)}
    assert (name in shares) == (METRICS[name].proportion is not None)
    wilson = wilson_interval(*shares[name]) if name in shares else None
    assert (entry["intervals"][name] == wilson) == (name in shares)


def test_a_class_without_cases_has_no_value():
    matrix = confusion_matrix(np.array([0, 0]), np.array([0, 0]), 2)
    assert np.isnan(matrix_metrics(matrix)["recall"][1])
