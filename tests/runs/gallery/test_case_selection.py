"""Which cases a run keeps: errors of both kinds and of all scans, the worst first, and correct cases of all degrees."""

from dataclasses import replace

import numpy as np
import pytest

from archnet.runs.gallery.case_selection import correct_rows, error_rows, sample_rows, select_gallery_rows
from synthetic_runs import predictions_of, synthetic_predictions


def cases(truth, positive, groups):
    p = np.array(positive)
    return predictions_of(truth, np.stack([1 - p, p], axis=1), groups=groups)


def test_errors_alternate_between_the_classes_and_go_around_the_scans_the_worst_first():
    truth = [0, 0, 0, 0, 1, 1, 0]
    positive = [0.9, 0.8, 0.6, 0.7, 0.2, 0.4, 0.1]
    predictions = cases(truth, positive, ["a", "a", "a", "b", "b", "a", "b"])
    predicted = predictions.predicted_classes(positive=1)
    assert error_rows(predictions, predicted, "test", 9).tolist() == [0, 4, 3, 5, 1, 2]
    assert error_rows(predictions, predicted, "test", 3).tolist() == [0, 4, 3]
    assert error_rows(predictions, predicted, "validation", 9).tolist() == []


def test_each_scan_has_its_next_error_before_any_has_the_one_after_that():
    predictions = cases([0] * 5, [0.9, 0.8, 0.7, 0.6, 0.55], ["a", "a", "a", "b", "b"])
    rows = error_rows(predictions, predictions.predicted_classes(positive=1), "test", 9)
    assert rows.tolist() == [0, 3, 1, 4, 2]


@pytest.mark.parametrize(("positive", "group_size"), [((0.9, 0.8), 1), ((0.9, 0.9), 2)])
def test_equally_wrong_cases_stay_in_the_order_of_the_data(positive, group_size):
    predictions = cases([0] * 80, positive * 40, [str(k // group_size) for k in range(80)])
    rows = error_rows(predictions, predictions.predicted_classes(positive=1), "test", 80)
    assert rows.tolist() == [*range(0, 80, 2), *range(1, 80, 2)]


def test_without_a_test_set_the_correct_cases_are_those_of_the_validation_set():
    predictions = synthetic_predictions(num_cases=400)
    predictions = replace(predictions, sets=np.where(predictions.sets == "test", "train", predictions.sets))
    rows = select_gallery_rows(predictions, predictions.predicted_classes(positive=1), 10_000)
    assert set(predictions.sets[rows["right"]].tolist()) == {"validation"}


def test_correct_cases_range_from_the_least_to_the_most_confident_of_each_class():
    truth = [0] * 9 + [1] * 2
    positive = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.6, 0.9]
    predictions = cases(truth, positive, [str(k) for k in range(11)])
    rows = correct_rows(predictions, predictions.predicted_classes(positive=1), "test", 6)
    assert rows.tolist() == [8, 9, 4, 10, 0]


def test_a_run_keeps_100_errors_of_each_evaluated_set_and_20_correct_cases():
    predictions = synthetic_predictions(num_cases=4000, skill=0.3)
    predicted = predictions.predicted_classes(positive=1)
    rows = select_gallery_rows(predictions, predicted, 10_000)
    wrong = rows["wrong"]
    counts = {name: int((predictions.sets[wrong] == name).sum()) for name in ("test", "validation", "train")}
    assert counts == {"test": 100, "validation": 100, "train": 20}
    assert (predicted[wrong] != predictions.y_true[wrong]).all()
    assert len(set(predictions.groups[wrong[:16]])) == 8  # of 8 test groups
    right = rows["right"]
    assert (len(right), set(predictions.sets[right].tolist())) == (20, {"test"})
    assert np.bincount(predictions.y_true[right]).tolist() == [10, 10]
    assert (predicted[right] == predictions.y_true[right]).all()
    assert rows["sample"].tolist() == sample_rows(predictions, 16).tolist()


def test_where_there_is_no_room_for_all_cases_each_kind_keeps_its_first():
    predictions = synthetic_predictions(num_cases=4000, skill=0.3)
    predicted = predictions.predicted_classes(positive=1)
    everything = select_gallery_rows(predictions, predicted, 10_000)
    few = select_gallery_rows(predictions, predicted, 40)
    assert {kind: len(rows) for kind, rows in few.items()} == {"sample": 6, "wrong": 28, "right": 6}
    for max_cases, expected in ((5, (0, 5, 0)), (15, (0, 12, 3)), (20, (2, 12, 6))):
        counts = {kind: len(rows) for kind, rows in select_gallery_rows(predictions, predicted, max_cases).items()}
        assert counts == dict(zip(("sample", "wrong", "right"), expected, strict=True))
    for kind, rows in few.items():
        assert rows.tolist() == everything[kind][: len(rows)].tolist()
