"""Groups that two sets share, cases without a group, and scans whose patient is unknown."""

import numpy as np
import pytest

from archnet.data import open_dataset
from archnet.data.checks.case_table import check_table, fill_missing_groups
from archnet.data.dataset import Cases
from archnet.spec.experiment import Data


def make_cases(groups, own_sets=None, ids=None):
    num = len(groups)
    return Cases(
        ids=np.array(ids or [f"c{row}" for row in range(num)]),
        groups=np.array(groups),
        labels=np.arange(num) % 2,
        classes=("a", "b"),
        own_sets=None if own_sets is None else np.array(own_sets),
    )


@pytest.mark.parametrize("empty", ["", " ", "nan", "NaN", "None", "<NA>", "null"])
def test_each_case_without_a_group_gets_one_of_its_own(empty):
    ids = np.array(["0", "1", "2", "3"])
    groups, (finding,) = fill_missing_groups(np.array(["1", empty, empty, "1"]), ids)
    assert groups.tolist() == ["1", "case 1", "case 2", "1"]
    assert (finding.check, finding.severity, finding.cases) == ("missing_groups", "warning", ("1", "2"))
    assert finding.text == (
        "2 of 4 cases have no group: each counts as its own group, so two cases of one patient may be in different "
        "sets. Give the patient or scan of each case."
    )


def test_one_case_without_a_group_is_reported_in_the_singular_and_complete_groups_are_left_alone():
    (finding,) = fill_missing_groups(np.array(["p", ""]), np.array(["0", "1"]))[1]
    assert finding.message.startswith("1 of 2 cases has no group: ")
    groups = np.array(["p", "q"])
    assert fill_missing_groups(groups, np.array(["0", "1"])) == (groups, ())


@pytest.mark.parametrize("groups", [np.array([1.0, np.nan, np.nan, 1.0]), np.array(["1", "", "", "1"])])
def test_an_npz_file_with_missing_groups_has_as_many_groups_as_cases_without_one(tmp_path, groups):
    x = np.random.default_rng(0).integers(0, 255, (4, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "x.npz", x=x, y=np.array([0, 1, 0, 1]), group=groups)
    dataset = open_dataset(Data(name="npz", root=str(tmp_path / "x.npz")))
    assert len(set(dataset.cases.groups.tolist())) == 3
    assert [finding.check for finding in dataset.findings if finding.check == "missing_groups"] == ["missing_groups"]


def test_a_group_in_two_own_sets_is_an_error_where_these_sets_are_used():
    own = ["train", "test", "train", "validation", "test", "test"]
    cases = make_cases(["p", "p", "q", "q", "r", "r"], own)
    (finding,) = check_table(cases)
    assert (finding.check, finding.severity, finding.cases) == ("shared_groups", "error", ("p", "q"))
    assert finding.text == (
        "2 groups have cases in more than one set of the data set's own split: p (test, train), q (train, validation). "
        "These groups contain 1 of the 3 test cases. Split by group (--set split.by=group), or correct the "
        'array "split".'
    )
    assert [other.severity for other in check_table(cases, uses_own_sets=False)] == ["note"]


def test_the_first_three_shared_groups_are_named():
    cases = make_cases(list("abcdabcd"), ["train"] * 4 + ["test"] * 4)
    assert "a (test, train), b (test, train), c (test, train) and 1 more." in check_table(cases)[0].message


def test_a_single_group_in_training_and_validation_sets_is_counted_among_the_validation_cases():
    cases = make_cases(list("aabcc"), ["train", "validation", "train", "train", "train"])
    assert check_table(cases)[0].message == (
        "1 group has cases in more than one set of the data set's own split: a (train, validation). These groups contain "
        "1 of the 1 test case."
    )
    cases = make_cases(list("abcabc"), ["train"] * 3 + ["test"] * 3)
    assert check_table(cases)[0].message.startswith("3 groups have ")
    assert ": a (test, train), b (test, train), c (test, train). These" in check_table(cases)[0].message


def test_own_sets_of_different_groups_and_data_without_own_sets_are_not_mentioned():
    assert check_table(make_cases(["p", "q"], ["train", "test"])) == []
    assert check_table(make_cases(["p", "p"])) == []


def test_scans_whose_patient_is_unknown_are_counted_except_those_of_lidc():
    lidc = "1.3.6.1.4.1.14519.5.2.1.6279.6001.1"
    cases = make_cases(["1.2", "1.2", "p", lidc], ids=["1.2#0", "1.2#1", "1.3#2", f"{lidc}#3"])
    (finding,) = check_table(cases, are_candidates=True)
    assert (finding.check, finding.severity, finding.cases) == ("patients", "note", ("1.2",))
    assert finding.text == (
        "The patient is unknown for 1 of 3 scans: each scan counts as a patient. The candidates of a scan form one "
        "group, so the candidates in one nodule stay in one set."
    )
    assert check_table(cases) == []
    assert check_table(make_cases(["p"], ids=["1.2#0"]), are_candidates=True) == []
