"""metrics.json belongs to the classes that it names."""

import json
import re

import pytest

from archnet.errors import DataError
from archnet.spec.metrics import EVALUATED_METRICS
from archnet.spec.outputs.metrics_file import missing_result, read_metrics

TWO = {"classes": ["a", "b"], "positive": "b"}
THREE = {"classes": ["a", "b", "c"], "positive": "b"}
SET = {"n": 2, "threshold": 0.5, "confusion_matrix": [[1, 0], [0, 1]]}
SET_OF_THREE = {"n": 3, "threshold": None, "confusion_matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}


def by_class(*names):
    return {"macro": 0.5, "per_class": dict.fromkeys(names, 0.5)}


PROBLEMS = [
    ({"positive": "b"}, 'has no "classes"'),
    ({"classes": ["a", "b"]}, 'has no "positive"'),
    ({**TWO, "classes": ["b", "b"]}, 'classes ["b", "b"] contain a duplicate'),
    ({**TWO, "positive": "c"}, 'positive is "c", not one of the classes ["a", "b"]'),
    (
        {**THREE, "test": {**SET_OF_THREE, **SET}},
        "test.confusion_matrix does not have a row and a column for each of 3 classes",
    ),
    (
        {**TWO, "test": {**SET, "operating_points": {"mcc": {"threshold": 0.1, "confusion_matrix": [[1, 2], [3, 4, 5]]}}}},
        "test.operating_points.mcc.confusion_matrix does not have a row and a column for each of 2 classes",
    ),
    ({**TWO, "test": {**SET, "threshold": None}}, "test.threshold is null, but there are two classes"),
    ({**TWO, "test": {**SET, "auc": by_class("a", "b")}}, "test.auc has a value for each class, expected one value"),
    (
        {**THREE, "test": {**SET_OF_THREE, "accuracy": by_class("a", "b", "c")}},
        "test.accuracy has a value for each class, expected one value",
    ),
    ({**THREE, "test": {**SET_OF_THREE, "auc": 0.5}}, "test.auc has one value, expected one for each class"),
    (
        {**THREE, "validation": {**SET_OF_THREE, "recall": by_class("a", "b")}},
        'validation.recall.per_class has classes other than ["a", "b", "c"]',
    ),
    (
        {**THREE, "test": {**SET_OF_THREE, "intervals": {"recall": [0.1, 0.2]}}},
        "test.intervals.recall has one value, expected one for each class",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "problem"), PROBLEMS)
def test_results_of_other_classes_are_refused(tmp_path, document, problem):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    message = f"{path}: {problem}. Restore the file, or run the experiment again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_metrics(path)


def test_results_of_two_and_of_three_classes_are_read(tmp_path):
    path = tmp_path / "metrics.json"
    for document in (
        {**TWO, "test": {**SET, "auc": 0.5, "recall": None, "intervals": {"auc": [0.2, 0.7], "recall": None}}},
        {**THREE, "test": {**SET_OF_THREE, "auc": by_class("a", "b", "c"), "accuracy": 0.5}},
    ):
        path.write_text(json.dumps(document), encoding="utf-8")
        assert read_metrics(path) == document


def test_what_an_older_version_left_out_is_named():
    whole = {**SET, **dict.fromkeys(EVALUATED_METRICS), "intervals": {}}
    assert missing_result({**TWO, "test": whole}) is None
    assert missing_result(TWO) == "has no results"
    for key in (*EVALUATED_METRICS, "intervals"):
        assert missing_result({"test": {name: value for name, value in whole.items() if name != key}}) == (
            f'test has no "{key}"'
        )
