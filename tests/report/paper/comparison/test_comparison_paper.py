"""The section "For a paper" of a comparison: what networks share is stated once, and how they were compared."""

import json
from dataclasses import replace

import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.report.html.comparison_page import write_comparison
from archnet.report.paper.comparison.comparison_paper import comparison_paper
from archnet.report.paper.comparison.comparison_statistics import comparison_statistics
from archnet.report.run_files import read_run
from pages import Page
from synthetic_runs import edit, write_run

LINEARIZED = "linearization over groups (Rao and Scott 1992, doi:10.2307/2532311)"
OBUCHOWSKI = "Obuchowski's method for clustered, paired data (1997, doi:10.2307/2533958)"


def statistics(folders, margin=None, *, has_froc=False):
    return comparison_statistics(compare(folders, margin), has_froc=has_froc)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [write_run(folder / name, skill=skill) for name, skill in (("flat", 1.0), ("deep", 2.2), ("wide", 2.0))]


@pytest.mark.slow
def test_two_networks_are_compared_in_pairs_with_the_source_of_each_standard_error(runs):
    test = read_run(runs[0]).predictions.select("test")
    groups = len(set(test.groups.tolist()))
    assert statistics(runs[:2]) == (
        f"deep was compared with flat on the same {len(test.cases)} test cases of {groups} groups (patients or scans). "
        "Differences are paired and allow for cases that share a group. Their standard errors come from "
        f"{LINEARIZED} for recall at equal false-positive rate in validation, recall (sensitivity) and accuracy; from "
        f"{OBUCHOWSKI} for AUC (ROC); from 200 bootstrap resamples of groups for recall at equal false-positive rate, "
        "recall at equal precision and MCC. Their 95% intervals and two-sided p values use Student's t. For recall at "
        "equal false-positive rate in validation, both thresholds were fixed on the validation set, at the mean of the "
        "two rates there. Each network was trained with one seed, so the variance between seeds is not included."
    )


@pytest.mark.slow
def test_several_networks_a_margin_and_froc_are_stated(runs):
    text = statistics(runs, 0.02, has_froc=True)
    assert text.startswith("deep and wide were each compared with flat on the same ")
    assert (
        "p values are adjusted by Holm's method (Holm 1979, www.jstor.org/stable/4615733) over the networks; intervals "
        "are not. Non-inferiority was tested one-sided at 2.5%, with a margin of 0.02 (Piaggio et al. 2012, "
        "doi:10.1001/jama.2012.87802). The CPM and the sensitivities of FROC curves were compared on the same bootstrap "
        "resamples of test scans."
    ) in text


@pytest.mark.parametrize("name", ["auc", "recall_at_validation_false_positive_rate", "mcc"])
@pytest.mark.parametrize("index", [0, 1])
def test_the_methods_are_those_of_all_pairs(runs, name, index):
    whole = compare(runs)
    pairs = list(whole.pairs)
    kept = {key: entry for key, entry in pairs[index].differences.items() if key != name}
    pairs[index] = replace(pairs[index], differences=kept)
    partial = replace(whole, pairs=tuple(pairs))
    assert comparison_statistics(partial, has_froc=False) == comparison_statistics(whole, has_froc=False)


def test_strata_and_seeds_are_stated(runs):
    comparison = compare(runs[:2])
    text = comparison_statistics(replace(comparison, strata={"columns": []}), has_froc=False)
    assert "over the strata of each attribute; intervals are not." in text
    several = comparison_statistics(replace(compare(runs), strata={"columns": []}), has_froc=False)
    assert (
        "over the networks, and separately over the strata and networks of each attribute; intervals are not."
    ) in several
    rows = tuple(replace(row, seeds=(0, 1, 2)) for row in comparison.rows)
    seeded = replace(comparison, rows=rows)
    assert (
        "Values are means over seeds; the variance between seeds is added to that between cases (Obuchowski and Rockette "
        "1995, doi:10.1080/03610919508813243; Hillis 2014, doi:10.1002/sim.5926)."
    ) in comparison_statistics(seeded, has_froc=False)
    assert (
        "flat was trained with seeds 0, 1 and 2; what depends on the seed is stated for the first run. deep was trained "
        "with seeds 0, 1 and 2; what depends on the seed is stated for the first run."
    ) in comparison_paper(seeded, has_froc=False)["methods"]["Training"]


def test_methods_for_two_classes_are_not_stated_for_more(tmp_path):
    folders = [write_run(tmp_path / name, classes=("a", "b", "c"), skill=skill) for name, skill in (("x", 1), ("y", 2))]
    text = statistics(folders)
    assert f"come from {LINEARIZED} for macro recall (sensitivity) and accuracy; from 200 bootstrap" in text
    assert "Obuchowski" not in text
    assert "validation" not in text


@pytest.mark.slow
def test_networks_that_share_their_sets_share_flow_and_acquisition(runs, tmp_path):
    same = comparison_paper(compare(runs[:2]), has_froc=False)
    assert [part["title"] for part in same["parts"]] == [""]
    assert list(same["methods"])[-2:] == ["Comparison", "Software"] or list(same["methods"])[-1] == "Comparison"
    others = [write_run(tmp_path / name) for name in ("flat", "deep")]
    edit(others[1], "data.json", json.dumps({"lost": [{"scan": "s.mhd", "reason": "no header", "num_cases": 3}]}))
    different = comparison_paper(compare(others), has_froc=False)
    assert [part["title"] for part in different["parts"]] == ["flat", "deep"]
    assert "Found: 603 cases." in different["parts"][1]["flow"].alt


@pytest.mark.slow
def test_the_page_of_a_comparison_has_the_methods_of_all_networks_to_copy(tmp_path):
    folders = [write_run(tmp_path / name, skill=skill) for name, skill in (("flat", 1.0), ("deep", 2.2))]
    page = Page(write_comparison(tmp_path, folders).read_text(encoding="utf-8"))
    assert "For a paper Flow of cases" in page.text
    assert "Comparison. deep was compared with flat on the same" in page.text
    assert "The methods of each network alone are on the page of its run." in page.text
    assert "methods.txt" not in page.text
