"""Evaluation of runs that are trained already."""

import json
import shutil

import pytest

from archnet.evaluation.integrity.manifest import record_run
from archnet.runs.evaluation import evaluate_run
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
