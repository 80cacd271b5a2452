from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from archnet.evaluation.metrics import evaluate, recompute_metrics
from archnet.evaluation.operating_points import OPERATING_POINTS, choose_thresholds, operating_point_text
from archnet.spec.metrics import MATRIX_METRICS
from synthetic_runs import predictions_of, synthetic_predictions


def two_class(y_true, p, set_name="validation"):
    return predictions_of(y_true, np.column_stack([1 - np.asarray(p), p]), set_name=set_name)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("wanted", [0.5, 0.95, 1.0])
def test_the_threshold_is_the_highest_case_that_reaches_the_wanted_recall(positive, wanted):
    part = synthetic_predictions(seed=2).select("validation")
    scores, truth = part.probabilities[:, positive], part.y_true == positive
    reaching = [t for t in scores if np.mean(scores[truth] >= t) >= wanted]
    point = choose_thresholds(part, positive, wanted)["recall"]
    assert point == {"wanted": wanted, "threshold": max(reaching)}


def test_the_threshold_of_the_best_mcc_is_the_best_of_all():
    part = synthetic_predictions(seed=2).select("validation")
    scores = part.probabilities[:, 1]
    best = max(sk.matthews_corrcoef(part.y_true, scores >= t) for t in scores)
    threshold = choose_thresholds(part, 1, None)["mcc"]["threshold"]
    assert sk.matthews_corrcoef(part.y_true, scores >= threshold) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(("wanted", "num_positives", "needed"), [(0.95, 20, 19), (0.55, 100, 55)])
def test_a_wanted_recall_is_met_exactly_where_the_cases_allow(wanted, num_positives, needed):
    scores = np.linspace(0.9, 0.1, num_positives)
    point = choose_thresholds(two_class([1] * num_positives, scores), 1, wanted)["recall"]
    assert point["threshold"] == scores[needed - 1]


def test_what_the_validation_set_cannot_tell_is_not_chosen():
    assert choose_thresholds(None, 1, 0.95) == {}
    assert choose_thresholds(synthetic_predictions(("a", "b", "c")).select("validation"), 1, 0.95) == {}
    assert choose_thresholds(two_class([0, 0, 0], [0.1, 0.2, 0.3]), 1, 0.95) == {}
    assert set(choose_thresholds(two_class([1, 1], [0.1, 0.2]), 1, 0.95)) == {"recall"}


def test_every_set_is_evaluated_at_the_thresholds_of_the_validation_set():
    predictions = synthetic_predictions(seed=3)
    found = evaluate(predictions, positive=1, recall=0.9, bootstraps=50)
    points = choose_thresholds(predictions.select("validation"), 1, 0.9)
    for set_name, entry in found.items():
        assert set(entry["operating_points"]) == {"recall", "mcc"}
        for name, point in entry["operating_points"].items():
            assert point.items() >= points[name].items()
            alone = evaluate(
                predictions.select(set_name), positive=1, threshold=points[name]["threshold"], bootstraps=50
            )[set_name]
            assert {key: point[key] for key in MATRIX_METRICS} == {key: alone[key] for key in MATRIX_METRICS}
            assert point["confusion_matrix"] == alone["confusion_matrix"]
            assert point["intervals"] == {key: alone["intervals"][key] for key in MATRIX_METRICS}


def test_the_test_set_has_no_say_in_the_thresholds():
    predictions = synthetic_predictions(seed=3)
    turned = np.where(
        (predictions.sets == "test")[:, None], predictions.probabilities[:, ::-1], predictions.probabilities
    )
    first, second = (
        evaluate(replace(predictions, probabilities=p), positive=1, recall=0.9, bootstraps=0)["test"][
            "operating_points"
        ]
        for p in (predictions.probabilities, turned)
    )
    for name in ("recall", "mcc"):
        assert first[name]["threshold"] == second[name]["threshold"]
        assert first[name]["confusion_matrix"] != second[name]["confusion_matrix"]


def test_without_a_validation_set_there_are_no_operating_points():
    predictions = synthetic_predictions()
    without = replace(predictions, sets=np.where(predictions.sets == "validation", "train", predictions.sets))
    found = evaluate(without, positive=1, recall=0.95, bootstraps=0)
    assert all("operating_points" not in entry and "scaled" not in entry["calibration"] for entry in found.values())


def test_recomputing_keeps_the_wanted_recall():
    predictions = synthetic_predictions()
    metrics = {"positive": "nodule", "classes": list(predictions.classes), "parameters": 99_948}
    metrics |= evaluate(predictions, positive=1, recall=0.9, bootstraps=60)
    assert recompute_metrics(predictions, metrics, bootstraps=60) == metrics


def test_every_operating_point_is_chosen_where_it_can_be_and_has_a_text():
    points = choose_thresholds(synthetic_predictions(seed=2).select("validation"), 1, 0.9)
    assert list(points) == list(OPERATING_POINTS)
    texts = [operating_point_text(key, entry) for key, entry in points.items()]
    assert texts == ["recall of at least 0.9 in validation", "best MCC in validation"]
