"""The table of metrics: every list of metrics in documents, formulas and pages holds the same names."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from archnet.evaluation.confusion import FORMULAS
from archnet.evaluation.ranking import RANKING_FORMULAS
from archnet.report.html.page import TEMPLATES
from archnet.spec.metrics import (
    EVALUATED_METRICS,
    METRICS,
    SELECTABLE_METRICS,
    Place,
    is_lower_better,
    metrics_shown_in,
)

ROOT = Path(__file__).parents[2]
SCRIPT = (TEMPLATES / "scripts/text.js").read_text(encoding="utf-8")


def enums_of(name, *keys):
    value = json.loads((ROOT / f"schemas/{name}.schema.json").read_text(encoding="utf-8"))["properties"]
    for key in keys:
        value = value[key]
    return [entry for entry in value["enum"] if entry is not None]


@pytest.mark.parametrize(
    "place",
    [
        ("experiment", "training", "properties", "best_metric"),
        ("experiment", "training", "properties", "early_stopping", "properties", "metric"),
        ("sweep", "metric"),
    ],
    ids=" ".join,
)
def test_documents_choose_by_the_selectable_metrics(place):
    assert enums_of(*place) == list(SELECTABLE_METRICS)


def test_every_metric_of_the_matrix_is_a_proportion_or_has_a_formula():
    proportions = {name for name, metric in METRICS.items() if metric.proportion}
    assert not proportions & set(FORMULAS)
    assert proportions | set(FORMULAS) == {name for name, metric in METRICS.items() if metric.source == "matrix"}


def test_every_metric_of_the_ranking_has_a_formula():
    assert list(RANKING_FORMULAS) == [name for name, metric in METRICS.items() if metric.source == "ranking"]


def script_names(start):
    """The keys of an object of scripts/text.js that begins after `start`."""
    body = SCRIPT.split(start, 1)[1].split("};", 1)[0]
    return re.findall(r"^ +(\w+):", body, re.MULTILINE)


def test_the_pages_script_has_a_formula_for_each_metric_of_the_live_panel():
    panel = {metric.name for metric in metrics_shown_in("live_panel")}
    assert set(script_names("others}) => {\n")) == panel


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("train_columns", ["loss", "accuracy", "recall"]),
        ("epoch_line", ["loss", "recall", "auc"]),
        ("class_report", ["precision", "recall", "f1"]),
        ("live_panel", ["recall", "precision", "specificity", "f1", "mcc", "accuracy"]),
        ("paired_differences", ["accuracy", "recall", "mcc", "auc"]),
    ],
)
def test_a_place_shows_its_metrics_in_the_order_of_their_ranks(place, names):
    shown = [metric.name for metric in metrics_shown_in(place)]
    assert [name for name in shown if name in names] == names


SHOWN = {
    "train_columns": "loss accuracy recall",
    "epoch_line": "loss recall auc",
    "training_curves": "loss accuracy recall auc",
    "class_report": "precision recall f1",
    "live_panel": "recall precision specificity f1 mcc accuracy",
    "operating_points": "recall precision specificity mcc",
    "comparison": "recall precision mcc auc",
    "paired_differences": "accuracy recall mcc auc",
    "sweep_report": "recall precision specificity mcc auc average_precision",
    "runs_table": "recall precision auc",
}


def test_the_metrics_of_each_place_in_their_order():
    shown = {place: " ".join(metric.name for metric in metrics_shown_in(place)) for place in get_args(Place)}
    assert shown == SHOWN
    assert {rank for metric in METRICS.values() for rank in metric.shown_in.values()} == {0, 1}


def test_the_ranges_of_metrics_and_those_with_a_value_for_each_class():
    ranges = dict.fromkeys(METRICS, (0, 1)) | {"loss": None, "mcc": (-1, 1)}
    assert {name: metric.range for name, metric in METRICS.items()} == ranges
    assert {name for name, metric in METRICS.items() if not metric.is_per_class} == {"loss", "accuracy", "mcc"}


@pytest.mark.parametrize("place", get_args(Place))
def test_a_place_shows_only_metrics_that_it_can_compute(place):
    sources = {
        "train_columns": {"loss", "matrix"},
        "epoch_line": {"loss", "matrix", "ranking"},
        "training_curves": {"loss", "matrix", "ranking"},
        "class_report": {"matrix"},
        "live_panel": {"matrix"},
        "operating_points": {"matrix"},
    }.get(place, {"matrix", "ranking"})
    shown = metrics_shown_in(place)
    assert shown
    assert {metric.source for metric in shown} <= sources
    if place == "class_report":
        assert all(metric.is_per_class for metric in shown)
    if place in ("epoch_line", "training_curves"):
        assert {metric.name for metric in shown} <= set(SELECTABLE_METRICS)


def test_of_the_loss_alone_the_lowest_value_is_the_best():
    assert [name for name in METRICS if is_lower_better(name)] == ["loss"]
    assert "loss" not in EVALUATED_METRICS
