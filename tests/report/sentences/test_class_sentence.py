"""What a run of more than two classes comes to: macro averages, not the numbers of one class."""

import json

import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.report.run_files import read_run_files
from archnet.report.sentences.class_sentence import class_sentence
from archnet.report.sentences.comparison_sentence import comparison_sentence
from archnet.report.sentences.run_headline import headline
from synthetic_runs import write_run

THREE = ("CT-0", "CT-1", "CT-23")


def entry(values, intervals, matrix):
    macro = sum(value for value in values if value is not None) / sum(value is not None for value in values)
    per_class = dict(zip(THREE, values, strict=True))
    recall = {"macro": macro, "per_class": per_class}
    return {
        "n": sum(map(sum, matrix)), "confusion_matrix": matrix, "recall": recall, "auc": {"macro": 0.875, "per_class": per_class},
        "accuracy": 0.62,
        "intervals": {
            "recall": {"macro": [0.5, 0.75], "per_class": dict(zip(THREE, intervals, strict=True))},
            "auc": {"macro": None, "per_class": dict.fromkeys(THREE)},
            "accuracy": [0.5, 0.72],
        },
    }  # fmt: skip


def test_the_sentence_leads_with_macro_averages_and_names_the_weakest_class():
    metrics = entry([0.8, 0.5, 0.56], [[0.7, 0.9], [0.4, 0.6], None], [[40, 5, 5], [10, 20, 10], [2, 2, 5]])
    assert class_sentence("ct", metrics, THREE, "test") == (
        "ct classifies 65 of 99 test cases of 3 classes correctly: macro recall 62.0% (95% CI 50.0% to 75.0%), "
        "macro AUC 0.875 and accuracy 62.0% (95% CI 50.0% to 72.0%). The recall of “CT-1” is the lowest: 50.0% "
        "(95% CI 40.0% to 60.0%)."
    )


def test_a_class_without_cases_is_named():
    metrics = entry([0.8, 0.5, None], [[0.7, 0.9], [0.4, 0.6], None], [[40, 5, 5], [10, 20, 10], [0, 0, 0]])
    assert class_sentence("ct", metrics, THREE, "test").endswith(
        " The test set contains no “CT-23” cases; the macro averages exclude them."
    )


def test_a_class_of_which_no_case_is_found_is_the_weakest():
    metrics = entry([0.8, 0.5, 0.0], [None] * 3, [[40, 5, 5], [10, 20, 10], [2, 2, 0]])
    assert class_sentence("ct", metrics, THREE, "test").endswith(" The recall of “CT-23” is the lowest: 0.0%.")


def test_it_is_the_headline_of_a_run_and_the_sentence_of_several_seeds(tmp_path):
    runs = [write_run(tmp_path / f"ct-seed{seed}", classes=THREE, seed=seed) for seed in (0, 1)]
    metrics = json.loads((runs[0] / "metrics.json").read_text())
    assert headline(read_run_files(runs[0])) == class_sentence("ct-seed0", metrics["test"], THREE, "test")
    sentence = comparison_sentence(compare(runs))
    recall = metrics["test"]["recall"]["macro"]
    assert sentence.startswith("ct (2 seeds (mean)) classifies ")
    assert f"macro recall {100 * recall:.1f}%" in sentence


@pytest.mark.parametrize("classes", [THREE, ("other", "nodule")])
def test_a_comparison_has_macro_means_of_more_than_two_classes_and_each_class_by_name(tmp_path, classes):
    runs = [write_run(tmp_path / name, classes=classes, skill=skill) for name, skill in (("flat", 1.0), ("deep", 2.0))]
    row = compare(runs).row("deep")
    metrics = json.loads((runs[1] / "metrics.json").read_text())["test"]
    recall = metrics["recall"]
    if len(classes) == 2:
        assert (row.value("recall"), row.value("recall", "nodule")) == (recall, recall)
    else:
        assert (row.value("recall"), row.value("recall", "CT-1")) == (recall["macro"], recall["per_class"]["CT-1"])
        assert row.interval("recall") == metrics["intervals"]["recall"]["macro"]
