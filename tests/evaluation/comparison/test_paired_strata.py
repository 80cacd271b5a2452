"""Strata of a comparison: each network in each stratum, against the reference."""

import json
import re

import numpy as np
import pytest
from scipy import stats

from archnet.errors import DataError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.comparison.paired import paired_differences
from archnet.evaluation.comparison.trainings import SeedPredictions, Truth
from archnet.evaluation.predictions import read_predictions
from archnet.evaluation.uncertainty.holm import holm
from archnet.files.csv_rows import csv_text
from archnet.runs.rereport import regenerate_reports
from synthetic_runs import edit, write_run


def attributes_of(predictions):
    """A site for each group, and a diameter for each nodule."""
    rng = np.random.default_rng(0)
    sites = {group: "ABC"[k % 3] for k, group in enumerate(np.unique(predictions.groups).tolist())}
    for case, group, label in zip(
        predictions.cases.tolist(), predictions.groups.tolist(), predictions.y_true.tolist(), strict=True
    ):
        yield case, sites[group], f"{rng.uniform(3, 20):.2f}" if label else ""


@pytest.fixture
def runs(tmp_path):
    folders = [write_run(tmp_path / name, skill=skill) for name, skill in (("flat", 1.2), ("deep", 2.0), ("wide", 1.4))]
    for folder in folders:
        rows = attributes_of(read_predictions(folder / "predictions.csv"))
        edit(folder, "cases.csv", csv_text(["case", "site", "diameter_mm"], rows))
    return folders


@pytest.mark.slow
def test_every_network_has_results_in_every_stratum(runs):
    comparison = compare(runs)
    strata = comparison.strata
    assert strata["measure"] == "recall"
    sites, diameters = strata["columns"]
    assert (sites["name"], sites["is_of_positives"]) == ("site", False)
    assert (diameters["name"], diameters["is_of_positives"]) == ("diameter_mm", True)
    assert [one["name"] for one in diameters["strata"]] == ["under 6", "6 to 8", "8 to 15", "over 15"]
    part = read_predictions(runs[1] / "predictions.csv").select("test")
    assert sum(one["n"] for one in sites["strata"]) == len(part.cases)
    assert sum(one["n"] for one in diameters["strata"]) == np.sum(part.y_true == 1)
    assert [one["run"] for one in sites["strata"][0]["networks"]] == [row.run for row in comparison.rows]
    assert comparison.to_document()["strata"] == strata


@pytest.mark.slow
def test_a_difference_is_the_clustered_t_test_of_the_stratums_positive_cases(runs):
    stratum = compare(runs).strata["columns"][0]["strata"][0]
    parts = [read_predictions(folder / "predictions.csv").select("test") for folder in runs[:2]]
    sites = {case: site for case, site, _ in attributes_of(read_predictions(runs[0] / "predictions.csv"))}
    rows = np.array([sites[case] == stratum["name"] for case in parts[0].cases.tolist()]) & (parts[0].y_true == 1)
    gains = [
        float(one)
        for one in (parts[1].probabilities[rows, 1] >= 0.5).astype(int) - (parts[0].probabilities[rows, 1] >= 0.5)
    ]
    groups = parts[0].groups[rows]
    names = np.unique(groups)
    mean = np.mean(gains)
    sums = [sum(gain - mean for gain, group in zip(gains, groups, strict=True) if group == name) for name in names]
    error = np.sqrt(len(names) / (len(names) - 1) * np.sum(np.square(sums))) / len(gains)
    entry = stratum["paired"][0]["differences"]["recall"]
    assert stratum["paired"][0]["other"] == "deep"
    assert entry["difference"] == pytest.approx(mean)
    assert entry["p"] == pytest.approx(2 * stats.t.sf(abs(mean) / error, len(names) - 1), rel=1e-6)
    low, high = stats.t.interval(0.95, len(names) - 1, mean, error)
    assert entry["interval"] == pytest.approx([max(low, -1), min(high, 1)], rel=1e-6)
    assert high > 1  # no difference of two recalls is above 1


@pytest.mark.slow
def test_holms_correction_is_over_the_networks_and_strata_of_an_attribute(runs):
    for column in compare(runs).strata["columns"]:
        for name in ("recall", "auc"):
            entries = [pair["differences"][name] for one in column["strata"] for pair in one["paired"]]
            assert len(entries) == 2 * len(column["strata"])
            assert [one["p_holm"] for one in entries] == holm([one["p"] for one in entries])


def test_runs_without_attributes_have_no_strata(tmp_path):
    folders = [write_run(tmp_path / name, skill=skill) for name, skill in (("flat", 1.2), ("deep", 2.0))]
    comparison = compare(folders)
    assert comparison.strata == {}
    assert "strata" not in comparison.to_document()


@pytest.mark.slow
def test_attributes_that_one_run_has_count_for_all(runs):
    (runs[1] / "cases.csv").unlink()
    edit(runs[0], "cases.csv", "case,site\n")
    edit(runs[1], "split.csv", (runs[1] / "split.csv").read_text())
    assert [one["name"] for one in compare(runs).strata["columns"]] == ["site", "diameter_mm"]


@pytest.mark.slow
def test_of_an_attribute_that_runs_differ_in_the_first_ones_values_count(runs):
    cases = read_predictions(runs[0] / "predictions.csv").cases.tolist()
    for folder, names in zip(runs, ("AB", "XY", "ZW"), strict=True):
        edit(folder, "cases.csv", csv_text(["case", "site"], ((case, names[k % 2]) for k, case in enumerate(cases))))
    assert {one["name"] for one in compare(runs).strata["columns"][0]["strata"]} == {"A", "B"}


@pytest.mark.slow
def test_a_report_writes_the_strata_of_a_run_and_repeats_them(runs):
    regenerate_reports(runs[:1])
    path = runs[0] / "metrics.json"
    first = path.read_bytes()
    entry = json.loads(first)["strata"]
    assert (entry["set"], entry["measure"]) == ("test", "recall")
    network = entry["columns"][0]["strata"][0]["networks"][0]
    expected = compare(runs).strata["columns"][0]["strata"][0]["networks"][0]
    assert {**network, "run": "flat"} == expected
    regenerate_reports(runs[:1])
    assert path.read_bytes() == first
    (runs[0] / "cases.csv").unlink()
    edit(runs[0], "split.csv", (runs[0] / "split.csv").read_text())
    regenerate_reports(runs[:1])
    assert "strata" not in json.loads(path.read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,site\n", ' line 1: the first column is "name", not "case".'),
        ("case,site\na,x\na,y\n", ': the case "a" has more than one row.'),
        ("case,site\na\n", " line 2: 1 fields, but the header has 2."),
        ("case," + ",".join(f"a{k}" for k in range(101)) + "\n", " line 1: has more than 100 attributes."),
    ],
)
def test_a_damaged_table_is_refused_with_its_place(runs, text, message):
    edit(runs[0], "cases.csv", text)
    remedy = f"Restore the file, or remove it and run: archnet report --accept-edits {runs[0]}"
    with pytest.raises(DataError) as caught:
        compare(runs)
    assert str(caught.value) == f"{runs[0] / 'cases.csv'}{message} {remedy}"


@pytest.mark.slow
def test_names_that_could_move_a_cursor_are_escaped(runs):
    predictions = read_predictions(runs[0] / "predictions.csv")
    rows = [(case, "A\x1b[2J" if k % 2 else "B") for k, case in enumerate(predictions.cases.tolist())]
    edit(runs[0], "cases.csv", csv_text(["case", "si\u202ete"], rows))
    (column, *_) = compare(runs).strata["columns"]
    assert column["name"] == r"si\u202ete"
    assert {one["name"] for one in column["strata"]} == {r"A\x1b[2J", "B"}
    assert re.fullmatch(r"[\x20-\x7e]+", json.dumps(column))


def test_with_more_than_two_classes_the_difference_in_a_stratum_is_the_headline_difference_of_its_cases(tmp_path):
    classes = ("a", "b", "c")
    folders = [write_run(tmp_path / name, classes=classes, skill=skill) for name, skill in (("flat", 1), ("deep", 2))]
    parts = [read_predictions(folder / "predictions.csv").select("test") for folder in folders]
    sites = dict(zip(parts[0].cases.tolist(), np.array(["A", "B"])[np.arange(len(parts[0].cases)) % 2], strict=True))
    for folder in folders:
        edit(folder, "cases.csv", csv_text(["case", "site"], sites.items()))
    strata = compare(folders).strata
    assert strata["measure"] == "macro_recall"
    for stratum in strata["columns"][0]["strata"]:
        rows = np.array([sites[case] == stratum["name"] for case in parts[0].cases.tolist()])
        truth = Truth(
            y_true=parts[0].y_true[rows],
            groups=np.unique(parts[0].groups[rows], return_inverse=True)[1],
            num_classes=3,
            positive=1,
        )
        sides = [
            [SeedPredictions(scores=part.probabilities[rows], y_pred=part.probabilities[rows].argmax(axis=1))]
            for part in parts
        ]
        expected = paired_differences(*sides, truth, bootstraps=0)["recall"]
        entry = stratum["paired"][0]["differences"]["macro_recall"]
        for key, value in expected.items():
            assert entry[key] == pytest.approx(value)
        assert stratum["networks"][1]["intervals"]["macro_recall"] == pytest.approx(expected["other_interval"])
