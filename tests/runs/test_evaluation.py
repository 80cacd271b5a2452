"""Evaluation of runs that are trained already."""

import json
import shutil

import pytest

from archnet.evaluation.integrity.manifest import record_run
from archnet.runs.evaluation import evaluate_run, prediction_costs, training_costs
from checked_data import COPIES, find


@pytest.mark.slow
def test_a_trained_run_is_evaluated_although_a_newer_check_finds_an_error(finished_runs, tmp_path, monkeypatch):
    shutil.copytree(finished_runs / "out/flat", tmp_path / "flat")
    metrics = tmp_path / "flat/metrics.json"
    before = json.loads(metrics.read_text())
    metrics.write_text(json.dumps({key: value for key, value in before.items() if key != "test"}))
    record_run(tmp_path / "flat")
    find(monkeypatch, COPIES)
    evaluate_run(tmp_path / "flat")
    after = json.loads(metrics.read_text())
    assert after["test"]["confusion_matrix"] == before["test"]["confusion_matrix"]


def test_the_costs_of_a_training_are_those_of_its_epochs():
    assert training_costs({}) == training_costs({"seconds": []}) == {}
    costs = training_costs({"seconds": [2.0, 6.0], "cases": [100, 300]})
    assert costs == {"train_seconds": 8.0, "samples_per_second": 50.0}


def test_the_cost_of_a_prediction_counts_its_views():
    assert prediction_costs(100, 1) == {"macs": 100}
    assert prediction_costs(100, 2) == {"macs": 200, "views": 2}
    assert prediction_costs(None, 3) == {"macs": None, "views": 3}
