"""The measured coverage of intervals: how it is measured, and what the kept table says."""

import importlib
import sys

import numpy as np
import pytest
from scipy.stats import norm

from experiment_scripts import EXPERIMENTS

MODULES = ("binormal", "coverage_cells", "coverage_table", "interval_coverage")
KEPT = EXPERIMENTS / "results" / "coverage"


@pytest.fixture
def load(monkeypatch):
    """A module of `experiments/`, which imports others from there; the package `coverage` is another one."""
    monkeypatch.syspath_prepend(EXPERIMENTS)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


VERSUS = {"kind": "versus", "seeds": 2, "deviation": 0.3}


def cell(kind="run", **changes):
    place = {"kind": kind, "patients": 20, "cases": 10, "correlation": 0.3, "prevalence": 0.2, "seeds": 1}
    return {**place, "replications": 3, "bootstraps": 20, **changes}


@pytest.mark.slow
def test_the_true_numbers_are_those_of_the_binormal_formulas(load):
    truth, separation = load("coverage_cells").run_truth(0.5, 1), load("binormal").SEPARATION
    recall = norm.cdf(separation / 2)  # at a probability of one half, halfway between the classes
    assert truth["auc"] == pytest.approx(norm.cdf(separation / 2**0.5), abs=1e-4)
    assert [truth["recall"], truth["specificity"]] == pytest.approx([recall] * 2, abs=1e-3)
    assert truth["mcc"] == pytest.approx(2 * recall - 1, abs=1e-3)


def test_the_better_network_finds_more_at_the_reference_s_false_positive_rate(load):
    binormal, truth = load("binormal"), load("coverage_cells").pair_truth(0.5, 1)
    gained = norm.cdf(binormal.BETTER_SEPARATION - binormal.SEPARATION / 2) - norm.cdf(binormal.SEPARATION / 2)
    assert truth["equal.recall_at_equal_false_positive_rate"] == 0
    assert truth["better.auc"] == pytest.approx(0.92 - 0.85, abs=1e-3)
    assert truth["better.recall_at_equal_false_positive_rate"] == pytest.approx(gained, abs=0.02)


def test_scores_of_one_patient_correlate_as_the_setting_says(load):
    binormal = load("binormal")
    setting = binormal.Setting(patients=20_000, cases=2, correlation=0.3, prevalence=0.5)
    draw = binormal.draw_cases(setting, (0.0, 0.0), 2, np.random.default_rng(0))
    first, second = draw.scores[0][0].reshape(-1, 2).T
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.3, abs=0.02)
    assert np.var(draw.scores[0][0]) == pytest.approx(1, abs=0.03)
    networks = np.corrcoef([draw.scores[0][0], draw.scores[0][1], draw.scores[1][0]])
    assert networks[0, 1] == pytest.approx(binormal.SHARED + binormal.NETWORK, abs=0.02)
    assert networks[0, 2] == pytest.approx(binormal.SHARED, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "pair"},
        pytest.param({"kind": "pair", "seeds": 3}, marks=pytest.mark.long),
        {"kind": "froc"},
        VERSUS,
    ],
)
def test_a_cell_gives_the_same_measurement_twice(load, changes):
    measure = load("interval_coverage").measure_cell
    first = measure(cell(**changes))
    assert first == measure(cell(**changes))
    for name, entry in first["numbers"].items():
        assert 0 <= entry["coverage"] <= 1, name


@pytest.mark.slow
def test_a_cut_off_line_is_measured_again(load, tmp_path, capsys):
    script, path = load("interval_coverage"), tmp_path / "kept.jsonl"
    cells = [cell(patients=patients) for patients in (5, 6)]
    script.run_cells(cells, path, 1)
    whole = path.read_text()
    path.write_text(whole[:-20])
    script.run_cells(cells, path, 1)
    assert path.read_text() == whole


def test_what_leaves_the_range_is_listed(load):
    entry = {"truth": 0.85, "mean": 0.84, "coverage": 0.95, "width": 0.1}
    numbers = {"auc": entry | {"coverage": 0.99}, "equal.auc": entry | {"coverage": 0.99}, "mcc": entry}
    line = cell() | {"numbers": numbers, "rejections": {"auc": 0.09, "errors": 0.03}}
    findings = load("coverage_table").findings
    assert findings([line | {"replications": 400}], slack=2) == []
    assert findings([line, line | {"patients": 7}]) == [
        "20 x 10, 0.3, prevalence 0.2, seeds 1: auc 99.0% (true 0.850, mean 0.840, width 0.100)",
        "20 x 10, 0.3, prevalence 0.2, seeds 1: type I error of auc 9.0%",
    ]


def test_every_cell_is_kept_once_by_the_present_settings(load):
    script = load("interval_coverage")
    for name in ("before", "after"):
        kept = [{key: line[key] for key in cell()} for line in script.read_cells(KEPT / f"{name}.jsonl")]
        assert kept == script.all_cells(400, 400), name
    kept = [{key: line[key] for key in cell(**VERSUS)} for line in script.read_cells(KEPT / "versus.jsonl")]
    assert kept == script.versus_cells(2000, 100)


def test_the_differences_of_a_versus_are_covered_and_the_readme_says_so(load):
    script, table = load("interval_coverage"), load("coverage_table")
    kept = script.read_cells(KEPT / "versus.jsonl")
    assert {line["deviation"] for line in kept} == {0.03, 0.3}
    shares = [entry["coverage"] for line in kept for entry in line["numbers"].values()]
    assert 0.91 <= min(shares) <= max(shares) <= 0.985
    assert table.findings(kept, slack=2) == []
    assert set(table.table({"versus": kept}).splitlines()) <= {
        *(EXPERIMENTS / "README.md").read_text().splitlines(),
        "",
    }


def test_the_true_recall_at_a_rate_fixed_in_validation_is_that_of_further_seeds(load):
    binormal, cells = load("binormal"), load("coverage_cells")
    setting = binormal.Setting(patients=60, cases=10, correlation=0.0, prevalence=0.5)
    draw = binormal.draw_cases(setting, (1.5,), 3, np.random.default_rng(0), deviation=0.0)
    validation, test = draw.divide(20)
    assert (len(validation.y_true), len(test.y_true), len(set(test.groups.tolist()))) == (200, 400, 40)
    scores = validation.scores[0][2]
    negatives = np.sort(scores[validation.y_true == 0])
    allowed = int(0.1 * len(negatives))
    threshold = scores[scores > negatives[-allowed - 1]].min()
    expected = norm.cdf(1.5 - threshold)
    assert cells._true_recall(validation, 0, 2, 0.1) == pytest.approx(expected)


def test_the_readme_has_the_kept_table_and_every_share_that_is_out_of_range_by_more_than_chance(load):
    script, table = load("interval_coverage"), load("coverage_table")
    kept = {name: script.read_cells(KEPT / f"{name}.jsonl") for name in ("before", "after")}
    text = (EXPERIMENTS / "README.md").read_text()
    assert set(table.table(kept).splitlines()) <= {*text.splitlines(), ""}
    out = {name: len(table.findings(lines)) for name, lines in kept.items()}
    total = {name: table.count_promises(lines) for name, lines in kept.items()}
    assert f"{out['before']} of {total['before']} before and {out['after']} of {total['after']} after" in text
    shared = [
        line | {key: {name: line[key][name] for name in older[key]} for key in ("numbers", "rejections")}
        for line, older in zip(kept["after"], kept["before"], strict=True)
    ]
    assert table.count_promises(shared) == total["before"]
    assert f"of which {len(table.findings(shared))} are among the {total['before']} that both versions print" in text
    listed = text.partition("by more than chance:\n\n")[2].partition("\n\n")[0].splitlines()
    assert listed == [f"- {line}" for line in table.findings(kept["after"], slack=2)]
