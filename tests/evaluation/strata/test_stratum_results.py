"""Results of a stratum, against those of its cases alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats
from sklearn.metrics import recall_score, roc_auc_score

from archnet.evaluation.predictions import Predictions
from archnet.evaluation.strata.stratification import Stratification, Stratum
from archnet.evaluation.strata.stratum_results import judge_cases, stratum_results, stratum_size
from archnet.evaluation.uncertainty.clustered_auc import area_interval
from archnet.evaluation.uncertainty.proportions import proportion_interval


def predictions_of(num_cases=240, num_groups=24, num_classes=2, seed=0, truth_seed=0):
    y_true = np.random.default_rng(truth_seed).integers(num_classes, size=num_cases)
    scores = np.random.default_rng(seed + 1).normal(size=(num_cases, num_classes))
    scores[np.arange(num_cases), y_true] += 1
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Predictions(
        cases=np.arange(num_cases).astype(np.str_),
        groups=(np.arange(num_cases) % num_groups).astype(np.str_),
        sets=np.full(num_cases, "test"),
        y_true=y_true.astype(np.int64),
        probabilities=probabilities,
        classes=tuple("abc"[:num_classes]),
    )


def results_of(trainings, rows, *, is_of_positives=False, threshold=0.4):
    stratum = Stratum(name="a", rows=rows)
    stratification = Stratification(name="x", is_of_positives=is_of_positives, strata=(stratum,))
    cases = judge_cases(trainings, positive=1, thresholds=[threshold] * len(trainings))
    return cases, stratum, stratum_results(cases, stratification, stratum)


def test_the_recall_and_the_area_are_those_of_the_stratums_cases():
    predictions, rows = predictions_of(), np.arange(240) < 90
    _, _, results = results_of([predictions], rows)
    is_positive, scores = predictions.y_true[rows] == 1, predictions.probabilities[rows, 1]
    groups = np.unique(predictions.groups[rows], return_inverse=True)[1]
    assert results["recall"] == pytest.approx(recall_score(is_positive, scores >= 0.4))
    assert results["auc"] == pytest.approx(roc_auc_score(is_positive, scores))
    successes = np.bincount(groups, is_positive & (scores >= 0.4))
    assert results["intervals"]["recall"] == proportion_interval(successes, np.bincount(groups, is_positive))
    assert results["intervals"]["auc"] == pytest.approx(area_interval(scores, is_positive, groups))


def test_where_only_positive_cases_have_the_attribute_they_are_ranked_against_all_others():
    predictions = predictions_of()
    rows = (predictions.y_true == 1) & (np.arange(240) < 90)
    _, _, results = results_of([predictions], rows, is_of_positives=True)
    ranked = rows | (predictions.y_true != 1)
    expected = roc_auc_score(predictions.y_true[ranked] == 1, predictions.probabilities[ranked, 1])
    assert results["auc"] == pytest.approx(expected)
    assert results["recall"] == pytest.approx(np.mean(predictions.probabilities[rows, 1] >= 0.4))


def test_several_trainings_have_the_mean_and_an_interval_that_knows_their_spread():
    rows = np.arange(240) < 120
    trainings = [predictions_of(seed=seed) for seed in range(3)]
    _, _, results = results_of(trainings, rows)
    singles = [results_of([one], rows)[2] for one in trainings]
    for name in ("recall", "auc"):
        assert results[name] == pytest.approx(np.mean([one[name] for one in singles]))
        low, high = results["intervals"][name]
        assert 0 < low < results[name] < high < 1


def test_with_more_than_two_classes_the_share_is_the_macro_recall():
    predictions, rows = predictions_of(num_classes=3), np.arange(240) < 100
    cases, _, results = results_of([predictions], rows, threshold=None)
    y_true, y_pred = predictions.y_true[rows], predictions.probabilities[rows].argmax(axis=1)
    assert cases.measure == "macro_recall"
    assert results["macro_recall"] == pytest.approx(recall_score(y_true, y_pred, average="macro"))
    assert set(results) == {"macro_recall", "intervals"}
    shifts = np.zeros(100)
    for k in range(3):
        shifts += (y_true == k) * ((y_pred == k) - np.mean(y_pred[y_true == k] == k)) / np.sum(y_true == k) / 3
    groups = np.arange(100) % 24
    num_groups = min(len(np.unique(groups[y_true == k])) for k in range(3))
    error = np.sqrt(num_groups / (num_groups - 1) * np.sum(np.bincount(groups, shifts) ** 2))  # linearized sums
    value, half = results["macro_recall"], stats.t.ppf(0.975, num_groups - 1) * error
    ends = special.expit(special.logit(value) + np.array([-1, 1]) * half / (value * (1 - value)))
    assert results["intervals"]["macro_recall"] == pytest.approx(ends.tolist())


def test_a_class_that_a_stratum_lacks_does_not_count_in_its_macro_recall():
    predictions = predictions_of(num_classes=3)
    rows = (predictions.y_true != 2) & (np.arange(240) < 100)
    _, _, results = results_of([predictions], rows, threshold=None)
    is_right = predictions.probabilities.argmax(axis=1) == predictions.y_true
    recalls = [np.mean(is_right[rows & (predictions.y_true == k)]) for k in (0, 1)]
    assert results["macro_recall"] == pytest.approx(np.mean(recalls))
    _, _, alone = results_of([predictions], rows & is_right, threshold=None)
    assert alone == {"macro_recall": 1.0, "intervals": {"macro_recall": None}}


def test_what_a_stratum_lacks_is_undefined():
    predictions = predictions_of()
    negatives = (predictions.y_true == 0) & (np.arange(240) < 60)
    _, _, results = results_of([predictions], negatives)
    assert results == {"recall": None, "auc": None, "intervals": {"recall": None, "auc": None}}
    one_group = predictions.groups == "3"
    _, _, results = results_of([predictions], one_group)
    is_positive = predictions.y_true[one_group] == 1
    assert results["auc"] == pytest.approx(roc_auc_score(is_positive, predictions.probabilities[one_group, 1]))
    assert results["intervals"] == {"recall": None, "auc": None}


@pytest.mark.parametrize(("num_rows", "is_small"), [(200, False), (12, True), (4, True)])
def test_a_stratum_with_few_positive_cases_or_groups_is_small(num_rows, is_small):
    predictions, rows = predictions_of(), np.arange(240) < num_rows
    cases, stratum, _ = results_of([predictions], rows)
    is_positive = rows & (predictions.y_true == 1)
    assert stratum_size(cases, stratum) == {
        "name": "a",
        "n": num_rows,
        "positives": int(is_positive.sum()),
        "groups": len(set(predictions.groups[is_positive].tolist())),
        "is_small": is_small,
    }


@pytest.mark.parametrize(("num_positives", "num_groups", "is_small"), [(10, 5, False), (9, 5, True), (10, 4, True)])
def test_ten_positive_cases_of_five_groups_suffice(num_positives, num_groups, is_small):
    predictions = replace(predictions_of(), y_true=(np.arange(240) < num_positives).astype(np.int64))
    predictions = replace(predictions, groups=(np.arange(240) % num_groups).astype(np.str_))
    cases, stratum, _ = results_of([predictions], np.arange(240) < 60)
    assert stratum_size(cases, stratum)["is_small"] is is_small


@pytest.mark.parametrize(("threshold", "recall"), [(0.0, 1.0), (1.1, 0.0)])
def test_trainings_that_all_find_everything_or_nothing_have_the_interval_of_one(threshold, recall):
    trainings, rows = [predictions_of(seed=seed) for seed in range(2)], np.arange(240) < 90
    _, _, results = results_of(trainings, rows, threshold=threshold)
    _, _, single = results_of(trainings[:1], rows, threshold=threshold)
    assert results["recall"] == recall
    assert results["intervals"]["recall"] == single["intervals"]["recall"] is not None


def test_ten_positive_cases_of_four_groups_are_few():
    predictions = predictions_of(num_groups=4)
    cases, stratum, _ = results_of([predictions], np.arange(240) < 200)
    assert stratum_size(cases, stratum)["is_small"]
