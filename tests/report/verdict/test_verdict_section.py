import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.report.html.comparison_page import write_comparison
from archnet.report.run_files import read_run
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import main_sentence
from archnet.report.verdict.run_section import run_section
from archnet.report.verdict.verdict_section import bars_title, verdict_bars, verdict_facts, verdict_section
from pages import Page, page_of
from synthetic_runs import published, write_run
from verdicts import BOTH_ORDERS, conclusion, side, verdict_of


def test_bars_show_counts_shares_and_intervals():
    first, second = verdict_bars(verdict_of())
    assert (first.label, first.text, first.value, first.interval) == (
        "archsm (2D)",
        "3 of 42, 7.1%",
        3 / 42,
        [0.015, 0.195],
    )
    assert (second.label, second.text, second.mark) == ("arch3dsm (3D)", "41 of 42, 97.6%", None)
    assert first.hue != second.hue
    assert bars_title(verdict_of()) == "Recall at equal false-positive rates in validation (3.2%), with 95% intervals"


def test_bars_of_further_networks_mark_the_reference_at_their_own_operating_point():
    sides = (side("archsm", "2D"), side("arch3dsm", "3D"), side("arch3d", "3D"))
    bars = verdict_bars(verdict_of(conclusion(), conclusion("arch3d", found=40, reference_found=5), sides=sides))
    assert [(bar.text, bar.mark) for bar in bars] == [
        ("3 of 42, 7.1%", None), ("41 of 42, 97.6%", None), ("40 of 42, 95.2%", 5 / 42),
    ]  # fmt: skip


def test_without_a_difference_there_are_no_bars():
    assert verdict_bars(verdict_of(conclusion(kind="not_comparable", difference=None))) == []


def test_means_and_macro_recalls_have_titles_of_their_own():
    means = conclusion(measure=BOTH_ORDERS, false_positive_rate=None, operating_points=None)
    assert bars_title(verdict_of(means)) == "Recall at equal false-positive rates with 95% intervals"
    assert verdict_bars(verdict_of(means))[1].text == "97.6%"
    assert bars_title(verdict_of(conclusion(measure="recall"))) == "Macro recall with 95% intervals"


def test_the_facts_are_patients_scans_cases_cost_and_seeds():
    sides = (side("archsm", "2D", macs=5e6), side("arch3dsm", "3D", macs=41.2e6))
    assert verdict_facts(verdict_of(sides=sides, num_groups=7, num_scans=12)) == [
        ("7", "patients"), ("12", "scans"), ("42", "nodules"), ("154", "other cases"),
        ("8.2 times", "multiply-adds (41.2 M against 5 M)"), ("1", "training seed per network"),
    ]  # fmt: skip


def test_costs_that_are_unknown_are_no_fact_and_seeds_are_those_of_networks():
    sides = (side("archsm", "2D", 3), side("arch3dsm", "3D", 1), side("forest", "baseline", 5))
    facts = verdict_facts(verdict_of(conclusion(cost_ratio=None), sides=sides))
    assert facts[-2:] == [("154", "other cases"), ("1 and 3", "training seeds per network")]
    assert not any("multiply-adds" in label for _, label in facts)
    assert verdict_facts(verdict_of(conclusions=(), main=None))[-1] == ("1", "training seed per network")
    same = (side("archsm", "2D", 3), side("arch3dsm", "3D", 3))
    assert verdict_facts(verdict_of(sides=same))[-1] == ("3", "training seeds per network")


def test_a_picture_of_an_earlier_comparison_is_removed_where_nothing_can_be_compared(tmp_path):
    predictions = published(false_negatives=0, true_positives=0)
    comparison = compare([write_run(tmp_path / name, predictions=predictions) for name in ("a", "b")])
    (tmp_path / "verdict.svg").write_text("earlier")
    section = verdict_section(tmp_path, comparison)
    assert (section["bars"], section["copies"], section["bars_title"]) == (None, None, "")
    assert (section["kind"], section["badge"]) == ("not_comparable", "Not comparable")
    assert not (tmp_path / "verdict.svg").exists()
    assert verdict_section(tmp_path, comparison)["sentence"] == (
        "b and a cannot be compared: the test set lacks a class."
    )


def test_an_ensemble_has_one_note_of_all_members_and_their_number(tmp_path):
    run = read_run(write_run(tmp_path / "a"))
    history = {name: [value for value in values for _ in range(3)] for name, values in run.history.items()}
    ensemble = replace(run, history=history | {"member": [1, 2, 3] * 30}, metrics=run.metrics | {"views": 8})
    section = run_section(ensemble)
    assert section["notes"] == ["Each member: Kept the weights of the last epoch (30 of 30)."]
    assert section["facts"][-2:] == [("8 views", "averaged for each case"), ("3", "networks, averaged")]
    assert run_section(replace(run, history={}))["facts"][-1][1] == "other cases"


@pytest.fixture
def page_folder(tmp_path):
    folder = tmp_path / "out"
    runs = [write_run(folder / "archsm", skill=0.5), write_run(folder / "arch3dsm", skill=4.0, rank=3, macs=90_000_000)]
    write_comparison(folder, runs)
    return folder


@pytest.mark.slow
def test_the_page_begins_with_badge_sentence_bars_and_cautions(page_folder):
    page = Page((page_folder / "report.html").read_text(encoding="utf-8"))
    comparison = compare([page_folder / "archsm", page_folder / "arch3dsm"])
    result = comparison.verdict
    top = page.text.partition("Case by case")[0]
    assert f"luna16-2d 3D better {main_sentence(result)} {bars_title(result)}" in top
    for caution in comparison_cautions(comparison):
        assert caution in top
    labels = [attrs["aria-label"] for _, attrs in page.tags if attrs.get("role") == "img"]
    assert labels[0].startswith(f"{bars_title(result)}: archsm (2D) ")


@pytest.mark.slow
def test_the_verdict_can_be_copied_as_text_as_latex_and_as_a_picture(page_folder):
    page = Page((page_folder / "report.html").read_text(encoding="utf-8"))
    (copies,) = [attrs for _, attrs in page.tags if attrs.get("class") == "copies"]
    assert main_sentence(compare([page_folder]).verdict) in copies["data-text"]
    assert copies["data-text"].splitlines()[-1] == "luna16-2d"
    assert copies["data-latex"].startswith("\\begin{tabular}")
    picture = (page_folder / "verdict.svg").read_text(encoding="utf-8")
    assert copies["data-svg"] == picture
    words = " ".join("".join(node.itertext()) for node in ET.fromstring(picture).iter() if node.tag.endswith("text"))
    assert words.startswith("luna16-2d 3D better At equal false-positive rates in validation")
    assert "var(" not in picture
    buttons = [attrs.get("data-copy") or attrs.get("data-save") for tag, attrs in page.tags if tag == "button"]
    assert {"text", "latex", "svg", "png"} <= set(buttons)


@pytest.mark.slow
def test_comparison_json_holds_the_verdict(page_folder):
    document = json.loads((page_folder / "comparison.json").read_text(encoding="utf-8"))
    assert document["verdict"]["badge"] == "3D better"
    assert document["verdict"]["conclusions"][0]["kind"] == "other_better"
    assert document["sentence"].startswith(
        main_sentence(compare([page_folder / "archsm", page_folder / "arch3dsm"]).verdict)
    )


@pytest.mark.slow
def test_the_page_of_a_run_begins_with_recall_patients_and_the_kept_epoch(tmp_path):
    folder = write_run(tmp_path / "archsm", predictions=published())
    section = run_section(read_run(folder))
    assert section["notes"] == ["Kept the weights of the last epoch (30 of 30)."]
    assert section["facts"] == [
        ("1,619", "groups (scans or patients)"), ("281", "nodules"), ("1,338", "other cases"),
        ("epoch 30 of 30", "weights kept"),
    ]  # fmt: skip
    page = page_of(folder)
    labels = [attrs["aria-label"] for _, attrs in page.tags if attrs.get("role") == "img"]
    assert labels[0] == "Test set, with 95% intervals: recall of nodules 77.6% (72.4% to 82.1%)."
    assert section["sentence"] in page.text


def test_the_bars_of_more_classes_are_accuracy_and_macro_recall(tmp_path):
    run = read_run(write_run(tmp_path / "ct", classes=("CT-0", "CT-1", "CT-23"), skill=2.0))
    accuracy, recall = (
        100 * value for value in (run.metrics["test"]["accuracy"], run.metrics["test"]["recall"]["macro"])
    )
    alt = run_section(run)["bars"].alt
    assert f": accuracy {accuracy:.1f}% (" in alt
    assert f"; macro recall {recall:.1f}% (" in alt
