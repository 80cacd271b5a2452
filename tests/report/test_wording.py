from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.run_costs import RUN_COSTS
from archnet.report.run_files import read_run
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.wording import cost_text, count, duration, memory, short_count
from synthetic_runs import published, synthetic_predictions, write_run


def test_the_headline_tells_recall_interval_and_false_positives(tmp_path):
    run = read_run(write_run(tmp_path / "archsm", predictions=published()))
    assert headline(run) == (
        "archsm finds 218 of 281 “nodule” cases in the test set: recall 77.6% (95% interval 72.4% to 82.1%), with 90 "
        "false positives among 1,338 other cases."
    )


def test_the_headline_of_more_classes_tells_accuracy_first(tmp_path):
    run = read_run(write_run(tmp_path / "ct", classes=("CT-0", "CT-1", "CT-23")))
    matrix = np.array(run.metrics["test"]["confusion_matrix"])
    assert headline(run).startswith(
        f"ct names the right one of 3 classes for {np.trace(matrix)} of {matrix.sum()} test cases: accuracy "
    )
    assert f". It finds {matrix[1, 1]} of {matrix[1].sum()} “CT-1” cases in the test set: recall " in headline(run)


def test_without_positive_cases_the_recall_is_said_to_be_undefined(tmp_path):
    run = read_run(write_run(tmp_path / "a", predictions=published(false_negatives=0, true_positives=0)))
    assert headline(run) == "The test set contains no “nodule” cases, so the recall is undefined."


def test_a_split_by_group_with_a_test_set_needs_no_caution(tmp_path):
    assert cautions(read_run(write_run(tmp_path / "a"))) == []


def test_groups_on_both_sides_are_counted_in_a_caution(tmp_path):
    predictions = synthetic_predictions()
    shared = np.flatnonzero(predictions.sets == "test")[:2]
    sets = predictions.sets.copy()
    sets[shared[0]] = "train"
    judged = predictions.groups[sets == "test"]
    run = read_run(write_run(tmp_path / "a", predictions=replace(predictions, sets=sets)))
    assert cautions(run) == [
        f"1 of the {len(set(judged))} test groups (scans or patients) also have cases in the training set: the network "
        "has seen their neighbours, so these figures are optimistic."
    ]


def test_without_a_test_set_the_figures_are_called_optimistic(tmp_path):
    predictions = synthetic_predictions()
    sets = np.where(predictions.sets == "test", "validation", predictions.sets)
    run = read_run(write_run(tmp_path / "a", predictions=replace(predictions, sets=sets)))
    assert cautions(run) == [
        "There is no test set. The validation set may have chosen the weights and the time to stop, "
        "so these figures are optimistic."
    ]


@pytest.mark.parametrize("say", [count, short_count, memory, duration])
def test_a_dash_stands_for_an_unknown_cost(say):
    assert say(None) == "–"


@pytest.mark.parametrize("cost", RUN_COSTS.values(), ids=lambda cost: cost.name)
def test_every_cost_of_a_run_has_a_text_and_may_be_unknown(cost):
    assert cost_text(cost, None) == cost_text(cost, None, is_exact=True) == "–"
    assert cost_text(cost, 1_234_567.0) not in ("", "1234567.0")


def test_multiply_adds_are_short_in_comparisons_and_exact_in_a_runs_own_report():
    assert cost_text(RUN_COSTS["macs"], 41_200_000) == "41.2 M"
    assert cost_text(RUN_COSTS["macs"], 41_200_000, is_exact=True) == "41,200,000"
