"""The sweep's report: what it says of the choice and of the test set, and what it offers to copy."""

import json
import re
import shlex

import pytest

from archnet.spec.metrics import metrics_shown_in
from archnet.sweep.report import sweep_page
from archnet.sweep.report.best_trial_table import best_trial_rows
from archnet.sweep.report.sweep_page import write_sweep_report
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import trial_folder
from small_sweeps import WIDTH, make_schedule, small_sweep, write_run

METRICS = {
    "n": 4,
    "threshold": 0.5,
    "confusion_matrix": [[1, 1], [1, 1]],
    **dict.fromkeys((metric.name for metric in metrics_shown_in("sweep_report")), 0.5),
}
NO_TEST = {"validation": METRICS}
TEST = {**NO_TEST, "test": METRICS}


def page_of(sweep, folder, metrics, judged):
    """The report of a sweep whose trials all finish, the last one best, with these metrics."""
    schedule = make_schedule(sweep, folder)
    while not isinstance(job := schedule.next_job(), str):
        write_run(folder, job, [0.5 + job.number / 10])
        (trial_folder(folder, job.number) / job.run / "metrics.json").write_text(json.dumps(metrics))
        schedule.finish_job(job, "finished", None)
    if len(metrics) == 2 and (sweep.folds or sweep.seeds):
        spread = {"auc": 0.02} if sweep.seeds else None
        pooled = json.dumps({"runs": [{"metrics": METRICS, "spread": spread}], "sentence": "All alike."})
        for number in schedule.trials:
            (trial_folder(folder, number) / "comparison.json").write_text(pooled)
    return write_sweep_report(read_leaderboard(sweep, folder), folder, judged).read_text().replace("&#39;", "'")


@pytest.mark.parametrize(("judged", "times"), [([2], "once, for trial 2"), ([0, 2], "2 times, for trials 0, 2")])
def test_of_folds_that_were_chosen_by_it_says_that_test_cases_took_part_in_the_choice(judged, times, tmp_path):
    page = page_of(small_sweep(tmp_path, folds=3), tmp_path, TEST, judged)
    assert (
        "The best of 3 trials was selected by validation AUC (ROC), which is therefore optimistic. Test cases of one "
        "fold influenced the selection in other folds (the cross-validation is not nested), so the pooled test results "
        "are slightly optimistic."
    ) in page
    assert (f"Each fold's test cases were evaluated {times}, but in other folds they influenced the selection.") in page
    assert "not used for the selection" not in page
    assert "after the selection" not in page


def test_of_folds_without_a_choice_nothing_was_chosen(tmp_path):
    page = page_of(small_sweep(tmp_path, space={}, folds=3), tmp_path, TEST, [0])
    assert "No selection took place: every run was evaluated on its test set once." in page
    assert "not nested" not in page


def test_of_one_split_the_test_set_was_looked_at_after_the_choice(tmp_path):
    page = page_of(small_sweep(tmp_path), tmp_path, TEST, [2])
    assert "which is therefore optimistic. The test set was not used for the selection." in page
    assert "The test set was evaluated once, for trial 2, after the selection." in page
    assert "was resumed" not in page


def test_the_headline_has_validation_and_test_side_by_side_and_the_number_of_trials(tmp_path):
    page = page_of(small_sweep(tmp_path), tmp_path, TEST, [2])
    assert (
        "Trial 2, chosen among 3 trials, has a validation AUC (ROC) of 0.700 and a test AUC (ROC) of 0.500: num_output 8."
    ) in page
    tiles = re.findall(
        r'<div class="tile"><p>.*?</i>(.*?)</p><p class="figure">(.*?)</p><p class="below">(.*?)</p>', page
    )
    assert tiles == [
        ("Validation AUC (ROC)", "0.700", "chosen among 3 trials: optimistic"),
        ("Test AUC (ROC)", "0.500", ""),
    ]


def test_with_several_seeds_the_page_labels_the_numbers_as_means_with_standard_deviations(tmp_path):
    page = page_of(small_sweep(tmp_path, seeds=2), tmp_path, TEST, [2])
    assert '<p class="below">mean ± SD of 2 runs, chosen among 3 trials: optimistic</p>' in page
    assert "<caption>Means over seeds, with standard deviations (SD)</caption>" in page
    assert '<span class="interval">SD 0.020</span>' in page
    single = page_of(small_sweep(tmp_path), tmp_path / "single", TEST, [2])
    assert "<caption>With 95% intervals</caption>" in single


def pooled_with_cpm(spread):
    froc = {
        "cpm": 0.75,
        "spread": spread,
        "of_seeds": [
            {
                "cpm": 0.75,
                "sensitivities": [0.75] * 7,
                "intervals": {"cpm": [0.625, 0.875], "sensitivities": [[0.5, 1]] * 7},
            }
        ],
    }
    return {"runs": [{"metrics": METRICS, "spread": None}], "froc": {"net": froc}, "sentence": "All alike."}


@pytest.mark.parametrize(("spread", "below"), [(None, "0.625 to 0.875"), (0.0625, "SD 0.062")])
def test_the_pooled_cpm_has_its_interval_or_its_spread_over_the_seeds(spread, below, tmp_path):
    sweep = small_sweep(tmp_path, folds=3)
    page_of(sweep, tmp_path, TEST, [2])
    (trial_folder(tmp_path, 2) / "comparison.json").write_text(json.dumps(pooled_with_cpm(spread)))
    board = read_leaderboard(sweep, tmp_path)
    *others, cpm = best_trial_rows(tmp_path, board.best)
    assert cpm == {"name": "CPM", "cells": {"test": {"value": 0.75, "below": below}}}
    assert [row["name"] for row in others] == [one.summary_label(2) for one in metrics_shown_in("sweep_report")]


def test_without_a_test_set_there_is_no_second_number(tmp_path):
    page = page_of(small_sweep(tmp_path), tmp_path, NO_TEST, [2])
    assert "Trial 2, chosen among 3 trials, has a validation AUC (ROC) of 0.700: num_output 8." in page
    assert 'class="tile"' not in page


def test_a_second_evaluation_on_the_test_set_is_reported(tmp_path):
    page = page_of(small_sweep(tmp_path), tmp_path, TEST, [0, 2])
    assert "The test set was evaluated 2 times, for trials 0, 2." in page
    assert "after a test-set evaluation; trials 0, 2 were evaluated on it in turn" in page


def test_without_a_test_set_it_says_so(tmp_path):
    page = page_of(small_sweep(tmp_path), tmp_path, NO_TEST, [0, 2])
    assert "There is no test set." in page
    assert "was evaluated" not in page
    assert "not used for the selection" not in page
    assert "test-set evaluation" not in page


def test_the_command_is_one_that_a_shell_understands(tmp_path):
    folder = tmp_path / "my sweeps"
    folder.mkdir()
    page = page_of(small_sweep(folder), folder, TEST, [2])
    command = page.split('<p class="note"><code>')[1].split("</code>")[0]
    assert shlex.split(command) == ["archnet", "sweep", "best", str(folder), "--out", "archs/small.json"]


def test_no_more_architectures_are_made_than_are_shown(tmp_path, monkeypatch):
    asked = []
    make = sweep_page.trial_architecture
    monkeypatch.setattr(
        sweep_page, "trial_architecture", lambda board, trial: asked.append(trial.number) or make(board, trial)
    )
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4, 8, 16, 32], "training.seed": [0, 1]})
    page = page_of(sweep, tmp_path, TEST, [9])
    assert page.count("<details") == 3
    assert asked == [9, 8, 7, 6, 5]


def test_each_trial_has_a_row_with_its_values_the_best_first_and_none_for_a_failed_one(tmp_path):
    sweep = small_sweep(tmp_path)
    schedule = make_schedule(sweep, tmp_path)
    for job in (schedule.next_job(), schedule.next_job()):
        write_run(tmp_path, job, [0.5 + job.number / 10])
        (trial_folder(tmp_path, job.number) / job.run / "metrics.json").write_text(json.dumps(NO_TEST))
        schedule.finish_job(job, "finished", None)
    schedule.finish_job(schedule.next_job(), "failed", "the loss is nan in epoch 1")
    page = write_sweep_report(read_leaderboard(sweep, tmp_path), tmp_path, []).read_text()
    rows = re.findall(r'<tr><th scope="row" class="num">(.*?)</th>(.*?)</tr>', page)
    cells = {re.sub("<.*?>", "", number): re.findall("<td.*?>(.*?)</td>", row) for number, row in rows[:3]}
    assert list(cells) == ["1", "0", "2"]
    assert [(row[0], row[1], row[5]) for row in cells.values()] == [
        ("0.600", "1", "finished"), ("0.500", "1", "finished"), ("", "0", "failed"),
    ]  # fmt: skip
