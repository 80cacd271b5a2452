import json
import re
from dataclasses import replace

import numpy as np
import pytest

from archnet.errors import DataError, RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.integrity.manifest import record_run
from archnet.report.comparison_wording import DIFFERENCE_NAMES, errors_text
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_document import comparison_document
from archnet.report.sentences.comparison_sentence import comparison_sentence, main_sentence
from archnet.report.verdict.verdict_section import verdict_facts
from archnet.runs.rereport import regenerate_reports
from pages import Page
from synthetic_runs import synthetic_predictions, write_run


@pytest.mark.slow
def test_a_comparison_is_written_as_a_page_and_as_json(tmp_path):
    runs = [write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm", skill=2.5, depth=10)]
    path = write_comparison(tmp_path, runs)
    assert path == tmp_path / "report.html"
    document = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert document == comparison_document(compare(runs))
    assert document["sentence"] == comparison_sentence(compare(runs))
    text = Page(path.read_text(encoding="utf-8")).text
    for row in compare(runs).rows:
        low, high = row.metrics["intervals"]["recall"]
        assert f"{row.metrics['recall']:.3f} {low:.3f} to {high:.3f}" in text
    assert "cannot be compared" not in text


def addresses_of(page):
    """Where the links of a page lead, of those that leave it."""
    addresses = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    return [address for address in addresses if not address.startswith("#")]


@pytest.mark.slow
def test_the_page_leads_to_each_runs_own_report_and_nowhere_else(tmp_path):
    runs = [write_run(tmp_path / "archsm"), write_run(tmp_path / "arch3dsm")]
    write_report(read_run(runs[0]))
    page = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8"))
    assert addresses_of(page) == ["archsm/report.html"]


@pytest.mark.slow
def test_an_address_is_one_whatever_the_folders_are_called(tmp_path):
    runs = [write_run(tmp_path / name) for name in ("a#1", "javascript:alert(1)")]
    for run in runs:
        write_report(read_run(run))
    page = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8"))
    assert addresses_of(page) == ["a%231/report.html", "javascript%3Aalert%281%29/report.html"]


@pytest.mark.slow
def test_the_page_shows_the_sentence_the_paired_tests_and_the_costs(tmp_path):
    runs = [
        write_run(tmp_path / name, skill=skill, macs=macs)
        for name, skill, macs in (("flat", 1.6, 10), ("deep", 2.5, 90))
    ]
    page = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8"))
    comparison = compare(runs)
    (pair,) = comparison.pairs
    assert main_sentence(comparison.verdict) in page.text
    assert ("9.0 times", "multiply-adds (90 against 10)") in verdict_facts(comparison.verdict)
    for caution in comparison_cautions(comparison):
        assert caution in page.text
    for name, label in DIFFERENCE_NAMES.items():
        entry = pair.differences[name]
        low, high = entry["interval"]
        row = f"{label} {entry['reference']:.3f} {entry['other']:.3f} {entry['difference']:+.3f} {low:+.3f} to {high:+.3f}"
        assert row in page.text.replace("\N{MINUS SIGN}", "-")
    assert errors_text(pair)[0] in page.text
    assert "multiply-adds per case 10 90 9.0 times" in page.text
    assert {attrs["aria-label"] for _, attrs in page.tags if attrs.get("role") == "img"} >= {
        "Differences of deep from flat with 95% intervals; the numbers are in the tables below."
    }


@pytest.mark.slow
def test_the_page_lists_the_differences_of_the_documents(tmp_path):
    runs = [write_run(tmp_path / name, seed=0) for name in ("flat", "deep")]
    path = runs[1] / "experiment.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["arch"]["layers"].insert(2, {"type": "BN"})
    path.write_text(json.dumps(document), encoding="utf-8")
    record_run(runs[1])
    page = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8"))
    assert 'key flat deep arch. layers[2] – {"type": "BN"}' in page.text  # a line may break after the dot


@pytest.mark.slow
def test_seeds_and_folds_are_in_one_column_with_a_link_to_each_report(tmp_path):
    for seed in range(2):
        write_report(
            read_run(
                write_run(tmp_path / f"net-seed{seed}", seed=seed, predictions=synthetic_predictions(skill=1 + seed))
            )
        )
    write_run(tmp_path / "other")
    page = Page(write_comparison(tmp_path, sorted(tmp_path.iterdir())).read_text(encoding="utf-8"))
    assert "runs 2 seeds (mean) net-seed0 net-seed1 1 run" in page.text
    assert addresses_of(page) == ["net-seed0/report.html", "net-seed1/report.html"]
    deviation = compare([tmp_path]).rows[0].deviation("recall", "nodule")
    assert f"SD {deviation:.3f}" in page.text


@pytest.mark.slow
@pytest.mark.parametrize("classes", [("CT-0", "CT-1", "CT-23"), ("0", "1")])
def test_the_page_of_a_cross_validation_or_of_more_classes_is_whole(tmp_path, classes):
    whole = synthetic_predictions(classes, skill=2.0)
    part = np.unique(whole.groups, return_inverse=True)[1] % 3
    for fold in range(3):
        sets = np.where(part == fold, "test", "train")
        write_run(tmp_path / f"net-fold{fold}", classes=classes, fold=fold, predictions=replace(whole, sets=sets))
    page = Page(write_comparison(tmp_path, sorted(tmp_path.iterdir())).read_text(encoding="utf-8"))
    assert "runs 3 folds" in page.text
    assert "Case by case" not in page.text
    assert json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))["paired"] == []


@pytest.mark.slow
def test_of_more_classes_the_page_says_whose_auc_is_compared_and_of_slices_it_promises_no_others(tmp_path):
    runs = [write_run(tmp_path / name, classes=("a", "b", "c"), skill=skill) for name, skill in (("x", 1), ("y", 3))]
    text = Page(write_comparison(tmp_path, runs).read_text(encoding="utf-8")).text
    assert "Macro metrics are means over the classes, each against the rest." in text
    assert "y right, x wrong" in text
    assert "Scroll over a picture" not in text


def test_runs_on_other_cases_give_no_page(tmp_path):
    runs = [write_run(tmp_path / f"net{seed}", predictions=synthetic_predictions(seed=seed)) for seed in (0, 1)]
    with pytest.raises(RunError, match=r"^net1: its test cases are not those of net0: "):
        write_comparison(tmp_path, runs)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["gallery.npz", "history.csv", "environment.json"])
def test_a_run_whose_files_have_changed_gives_no_page(tmp_path, name):
    runs = [write_run(tmp_path / net) for net in ("a", "b")]
    with (runs[1] / name).open("a") as file:
        file.write(" ")
    with pytest.raises(DataError, match=f"^{re.escape(str(runs[1] / name))}: changed since the run finished"):
        write_comparison(tmp_path, runs)
    assert not (tmp_path / "report.html").exists()


def test_one_run_gives_no_comparison_and_no_file(tmp_path):
    run = write_run(tmp_path / "archsm")
    with pytest.raises(RunError):
        write_comparison(tmp_path, [run])
    assert [path.name for path in tmp_path.iterdir()] == ["archsm"]


@pytest.mark.slow
def test_reporting_an_experiment_again_restores_metrics_pictures_and_pages(tmp_path):
    runs = [write_run(tmp_path / name) for name in ("arch3dsm", "archsm")]
    metrics = json.loads((runs[0] / "metrics.json").read_text(encoding="utf-8"))
    spoilt = metrics | {"test": metrics["test"] | {"recall": 0.123}}
    (runs[0] / "metrics.json").write_text(json.dumps(spoilt), encoding="utf-8")
    record_run(runs[0])
    written = regenerate_reports([tmp_path])
    assert written == [*(run / "report.html" for run in runs), tmp_path / "report.html"]
    assert json.loads((runs[0] / "metrics.json").read_text(encoding="utf-8")) == metrics
    assert (runs[0] / "figures" / "roc.svg").exists()
