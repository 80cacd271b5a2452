"""`archnet data check`: what a data set holds, and findings that stop nothing."""

from dataclasses import replace

import numpy as np
import pytest

import archnet
from archnet.data import open_dataset
from archnet.data.checks.duplicates import copies
from archnet.data.checks.findings import Finding
from archnet.data.dataset import Cases
from archnet.report.data_check_wording import summary_rows
from archnet.runs.preparation import prepare
from archnet.runs.preparation.data_summary import summarize_attributes
from archnet.runs.preparation.inspection import inspect_data
from checked_data import COPIES, experiment_document, find, write_squares


def inspected(path, is_quick=False, **keys):
    return inspect_data(archnet.load_experiments(experiment_document(path, **keys)), is_quick=is_quick)


def test_the_summary_counts_cases_groups_classes_and_sets(tmp_path):
    check = inspected(write_squares(tmp_path / "a.npz", count=200, groups=50))
    summary = check.summary
    assert (summary["cases"], summary["groups"], summary["in_use"]) == (200, 50, 200)
    assert (summary["classes"], summary["positive"]) == ({"other": 100, "nodule": 100}, "nodule")
    assert (summary["shape"], summary["limits"]) == ([8, 8], [0.0, 255.0])
    assert {name: part["cases"] for name, part in summary["sets"].items()} == {
        "train": 140, "validation": 20, "test": 40
    }  # fmt: skip
    assert summary["sets"]["test"]["classes"] == {"other": 20, "nodule": 20}
    assert summary["expected_recall"]["num_cases"] == 20
    assert (summary["split"]["by"], summary["split"]["test"]) == ("group", 0.2)
    assert summary["split_reason"].startswith("the data have no sets of their own; cases of one group stay together")
    assert (check.findings, check.is_usable, check.problem) == ((), True, None)


def test_the_values_of_each_class_are_those_of_its_voxels(tmp_path):
    path = write_squares(tmp_path / "a.npz", count=200, groups=50)
    first, second = inspected(path).summary["values"]["classes"]
    with np.load(path) as arrays:
        x, y = arrays["x"], arrays["y"]
    assert first["percentiles"] == np.percentile(x[y == 0], [0, 1, 50, 99, 100]).tolist()
    assert second["percentiles"] == np.percentile(x[y == 1], [0, 1, 50, 99, 100]).tolist()
    assert (first["below"], first["above"]) == (0, 0)
    assert sum(first["histogram"]) == pytest.approx(1, abs=1e-4)


def test_values_outside_the_range_are_counted(tmp_path):
    x = np.full((40, 4, 4), 0, np.int16)
    x[:, 0], x[:, 1] = -2000, 1000
    path = write_squares(tmp_path / "a.npz", count=40, x=x)
    data = {"name": "npz", "root": str(path), "range": "hu"}
    first, _ = inspected(path, data=data).summary["values"]["classes"]
    assert (first["below"], first["above"]) == (0.25, 0.25)


def test_of_a_text_attribute_the_12_most_frequent_values_are_counted():
    values = np.array([*(f"v{number:02}" for number in range(13)), "v12", "", ""])
    names = np.arange(16).astype(np.str_)
    cases = Cases(ids=names, groups=names, labels=np.arange(16) % 2, classes=("a", "b"), attributes={"kind": values})
    (entry,) = summarize_attributes(cases)
    counts = {"v12": 2, **{f"v{number:02}": 1 for number in range(11)}}
    assert entry == {
        **{"name": "kind", "known": 14, "cases": 16, "known_positives": 7, "positives": 8},
        **{"values": counts, "num_values": 13},
    }


def test_errors_are_findings_and_the_most_serious_come_first(tmp_path, monkeypatch):
    note = Finding(check="left_out", severity="note", message="1 file is left out.")
    find(monkeypatch, note, COPIES)
    path = write_squares(tmp_path / "a.npz")
    check = inspected(path)
    assert (check.findings, check.is_usable) == ((COPIES, note), False)
    assert repr(check) == f"DataCheck(npz:{path}: 1 error, 0 warnings, 1 note)"
    assert check.to_document()["findings"][0] == {**COPIES.to_document(), "is_allowed": False}
    allowed = inspected(path, data={"name": "npz", "root": str(path), "allow": ["near_duplicates"]})
    assert (allowed.findings, allowed.is_usable) == (check.findings, True)
    assert [finding["is_allowed"] for finding in allowed.to_document()["findings"]] == [True, False]


def test_near_duplicates_are_searched_for_in_a_check_and_not_at_the_start_of_a_run(tmp_path, monkeypatch):
    searches, recall = [], copies.recall_pairs

    def recall_pairs(checksums, numbers, search):
        searches.append(search is not None)
        return recall(checksums, numbers, search)

    monkeypatch.setattr(copies, "recall_pairs", recall_pairs)
    path = write_squares(tmp_path / "a.npz")
    inspected(path)
    experiments = archnet.load_experiments(experiment_document(path))
    prepare(open_dataset(experiments[0].data), experiments)
    assert searches == [True, False]


def test_cases_that_cannot_be_divided_are_looked_at_all_the_same(tmp_path):
    check = inspected(write_squares(tmp_path / "a.npz", count=4, groups=2))
    assert check.problem.startswith("split: 2 groups are too few for training, validation (0.1) and test (0.2) sets;")
    assert not check.is_usable
    assert "sets" not in check.summary
    assert [entry["class_name"] for entry in check.summary["values"]["classes"]] == ["other", "nodule"]


def test_quick_reads_no_voxels(tmp_path, monkeypatch):
    path = write_squares(tmp_path / "a.npz")
    monkeypatch.setattr("archnet.data.npz.NpzDataset.crops", None)
    check = inspected(path, is_quick=True)
    assert "values" not in check.summary
    assert [finding.check for finding in check.findings] == ["small_sets"]


def test_the_page_shows_findings_with_their_cases_histograms_and_samples(tmp_path, monkeypatch):
    find(monkeypatch, replace(COPIES, cases=("3", "8 (train)", "scan.mhd")))
    page = inspected(write_squares(tmp_path / "a.npz")).write_html(tmp_path / "check.html").read_text()
    finding = page[page.index('class="finding error"') : page.index('id="contents"')]
    assert "2 cases are copies of each other." in finding
    assert "Remove one of each pair." in finding
    assert finding.count("<figcaption>") == 2
    assert 'aria-label="Histograms of the voxel values of other, nodule. 0 to 255 are scaled to 0 to 1."' in page
    assert page.count("<figcaption>") == 2 + 12


def test_the_values_of_several_channels_are_those_of_the_first_and_the_summary_says_so(tmp_path):
    generator = np.random.default_rng(0)
    x = np.stack([generator.integers(0, 200, (60, 8, 8)), generator.integers(0, 9, (60, 8, 8))], axis=-1)
    path = write_squares(tmp_path / "a.npz", x=x.astype(np.uint8))
    data = {"name": "npz", "root": str(path), "channels": 2, "range": [[0, 250], [0, 10]]}
    document = experiment_document(path, data=data)
    document["archs"] = [{**document["archs"][0], "channels": 2}]
    check = inspect_data(archnet.load_experiments(document), is_quick=False)
    summary = check.summary
    assert (summary["shape"], summary["limits"], summary["pictures"]) == (
        [8, 8],
        [[0, 250], [0, 10]],
        "channel 0 of 2",
    )
    percentiles = summary["values"]["classes"][0]["percentiles"]
    assert percentiles == np.percentile(x[::2, ..., 0], [0, 1, 50, 99, 100]).tolist()
    rows = dict(summary_rows(check.to_document()))
    assert rows["scaled to 0 to 1"] == "0 to 250 and 0 to 10"
    assert rows['values of "other" (channel 0 of 2)'].startswith("0 to 199 ")
    check.write_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "The histogram shows channel 0 of 2." in page
    assert "The pictures show channel 0 of 2." in page
