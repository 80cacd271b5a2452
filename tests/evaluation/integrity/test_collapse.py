"""Collapsed runs: said in metrics.json, on both pages, in the terminal and in the model card, and recomputed from files."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.metrics import collapse_entry
from archnet.export.card import model_card
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.terminal.terminal_tables import comparison_table, run_summary
from archnet.runs.rereport import ReportOptions, regenerate_reports
from archnet.spec.view import InputLimits
from synthetic_runs import predictions_of, synthetic_predictions, write_run

METRICS = {"positive": "k1", "test": {"threshold": 0.5}}
SENTENCE = "Every case is predicted as “non-nodule”: no better than always saying “non-nodule”."


def entry(y_true, positive_probabilities, losses=()):
    p = np.asarray(positive_probabilities)
    predictions = predictions_of(y_true, np.column_stack([1 - p, p]))
    return collapse_entry(predictions, METRICS, {"train_loss": losses})


@pytest.mark.parametrize(
    ("y_true", "probabilities", "expected"),
    [
        ([0, 1, 1], [0.2, 0.8, 0.4], {}),
        ([0, 1, 1], [0.1, 0.2, 0.4], {"collapsed": {"reason": "one_class", "class": "k0"}}),
        ([0, 1, 1], [0.5, 0.9, 0.7], {"collapsed": {"reason": "one_class", "class": "k1"}}),
        ([0, 1, 1], [0.3, 0.3, 0.3 + 1e-8], {"collapsed": {"reason": "constant", "class": "k0"}}),
        ([0, 1, 1], [0.3, 0.3, 0.3 + 1.1e-6], {"collapsed": {"reason": "one_class", "class": "k0"}}),
        ([1, 1, 1], [0.9, 0.9, 0.9], {}),
    ],
)
def test_predictions_of_one_class_have_collapsed_unless_there_is_one_class_alone(y_true, probabilities, expected):
    assert entry(y_true, probabilities) == expected


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.7, 0.3], None),
        ([0.7, 6.9], None),
        ([0.75, 7.5], None),
        ([0.01, 6.9], None),
        ([500.0, 400.0], None),
        ([0.7, 900.0, 1.0], None),
        ([0.7, 7.1], [0.7, 7.1]),
        ([0.7, 0.6, 7.1], [0.7, 7.1]),
        ([0.7, np.nan], [0.7, None]),
        ([0.7, np.inf], [0.7, None]),
    ],
)
def test_a_training_loss_that_grew_without_bound_has_collapsed(losses, expected):
    found = entry([0, 1], [0.1, 0.9], losses)
    assert found == ({} if expected is None else {"collapsed": {"reason": "diverged", "losses": expected}})


def test_the_threshold_decides_what_is_predicted():
    predictions = predictions_of([0, 1], [[0.9, 0.1], [0.7, 0.3]])
    assert collapse_entry(predictions, METRICS | {"test": {"threshold": 0.2}}, {}) == {}
    assert collapse_entry(predictions, METRICS, {}) == {"collapsed": {"reason": "one_class", "class": "k0"}}


def collapsed_run(folder, name="flat"):
    """A run that says "non-nodule" of every case, reported again."""
    predictions = synthetic_predictions()
    p = 0.1 + predictions.probabilities[:, 1] / 4
    run = write_run(folder / name, predictions=replace(predictions, probabilities=np.column_stack([1 - p, p])))
    regenerate_reports([run])
    return run


def printed(renderable):
    text = io.StringIO()
    Console(file=text, width=200).print(renderable)
    return text.getvalue()


@pytest.mark.slow
def test_a_collapsed_run_is_reported_as_one(tmp_path):
    run = collapsed_run(tmp_path)
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["collapsed"] == {"reason": "one_class", "class": "non-nodule"}
    files = read_run(run)
    assert f'<li class="caution">{SENTENCE}</li>' in write_report(files).read_text(encoding="utf-8")
    assert printed(run_summary(files)).startswith(SENTENCE)
    assert SENTENCE in model_card(files, (64, 64, 1), InputLimits.of(-1000, 400), "model.keras")


@pytest.mark.slow
def test_a_collapsed_run_is_named_in_a_comparison(tmp_path):
    runs = [write_run(tmp_path / "good"), collapsed_run(tmp_path)]
    comparison = compare(runs)
    assert comparison_cautions(comparison)[0] == f"flat: {SENTENCE}"
    assert f"Warning: flat: {SENTENCE}" in printed(comparison_table(comparison))
    page = write_comparison(tmp_path, runs, lambda pool: [])
    assert f"flat: {SENTENCE}" in page.read_text(encoding="utf-8")
    document = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert document["collapsed"] == {"flat": {"reason": "one_class", "class": "non-nodule"}}


@pytest.mark.slow
def test_a_run_that_no_longer_is_collapsed_loses_the_entry(tmp_path):
    run = write_run(tmp_path / "a")
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    edited = metrics | {"collapsed": {"reason": "constant", "class": "nodule"}}
    (run / "metrics.json").write_text(json.dumps(edited), encoding="utf-8")
    regenerate_reports([run], ReportOptions(accept_edits=True, today="2026-01-01"))
    assert "collapsed" not in json.loads((run / "metrics.json").read_text(encoding="utf-8"))
