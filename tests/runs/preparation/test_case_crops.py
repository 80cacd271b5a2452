"""Data checks before and after the crops are cut: errors stop, what is allowed is recorded."""

import numpy as np
import pytest

import archnet
from archnet.data import open_dataset
from archnet.data.checks.findings import Finding
from archnet.errors import DataError
from archnet.runs.preparation import prepare
from checked_data import COPIES, experiment_document, find, write_squares


def prepared(path, **keys):
    experiments = archnet.load_experiments(experiment_document(path, **keys))
    return prepare(open_dataset(experiments[0].data), experiments)


def test_an_error_stops_before_anything_is_cut(tmp_path, monkeypatch):
    find(monkeypatch, COPIES)
    monkeypatch.setattr("archnet.data.npz.NpzDataset.crops", None)
    with pytest.raises(DataError) as caught:
        prepared(write_squares(tmp_path / "a.npz"))
    assert str(caught.value) == (
        "near_duplicates: 2 cases are copies of each other. Remove one of each pair.\n"
        "The data have 1 error. To use the data anyway, add --allow near_duplicates."
    )


def test_an_error_in_the_voxels_stops_after_they_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("archnet.runs.preparation.case_crops.check_scans", lambda *cases: iter([COPIES]))
    with pytest.raises(DataError, match=r"^near_duplicates: "):
        prepared(write_squares(tmp_path / "a.npz"))


def test_an_allowed_error_and_a_warning_are_recorded(tmp_path, monkeypatch):
    warning = Finding(check="patients", severity="warning", message="No patient is known.")
    find(monkeypatch, COPIES, warning)
    data = {"name": "npz", "root": str(write_squares(tmp_path / "a.npz")), "allow": ["near_duplicates"]}
    (result,) = prepared(tmp_path / "a.npz", data=data)
    assert result.findings == (COPIES, warning)
    assert result.to_document()["findings"][0] == {
        "check": "near_duplicates",
        "severity": "error",
        "message": "2 cases are copies of each other.",
        "cases": ["3", "8"],
        "remedy": "Remove one of each pair.",
    }


def test_an_error_in_every_fold_is_reported_once(tmp_path, monkeypatch):
    find(monkeypatch, COPIES)
    with pytest.raises(DataError, match=r"The data have 1 error\."):
        prepared(write_squares(tmp_path / "a.npz"), split={"folds": 5})


def test_each_fold_has_the_findings_of_its_own_sets(tmp_path):
    folds = prepared(write_squares(tmp_path / "a.npz"), split={"folds": 5})
    for fold in folds:
        count = np.count_nonzero((fold.sets == "test") & (fold.cases.labels == 0))
        assert f'only {count} cases of "other"' in fold.findings[0].message
